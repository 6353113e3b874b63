package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/findmy"
)

// scenes are the demo, in order. Each prints what it saw and fails unless it
// held.
var scenes = []struct {
	title string
	play  func(context.Context, *scenery) error
}{
	{"A thief with the unlocked phone guesses the password", thief},
	{"Leaving", leave},
	{"Somebody else checks, without Clearance", witnesses},
	{"A permit for the program that deletes the account, redeemed once", redeem},
	{"A second permit is asked for, and then a new photo arrives in the cloud", change},
	{"Your copy", copies},
}

// answers are what the person says yes to. Scripts say it by name; at a
// terminal each is asked.
func answers() []string {
	var args []string
	for _, a := range [][2]string{
		{"place", "this device stays with me and is not wiped"},
		{"not-covered", "I have seen what cannot be copied"},
		{"purchases", "nothing of mine was bought there"},
		{"consequences", "I know what deleting does"},
		{"devices", "no other device is signed in"},
		{"authorise", "I authorise this"},
	} {
		args = append(args, "--yes-to", a[0]+"="+a[1])
	}
	return args
}

// thief shows that a wrong password changes nothing: Find My Device has it
// checked at the account's own server.
func thief(ctx context.Context, s *scenery) error {
	c, err := findmy.Open(ctx, findmy.Options{Address: s.System.Address})
	if err != nil {
		return err
	}
	defer c.Close()
	report, err := c.Look(ctx, nil)
	if err != nil || len(report.Implementers) != 1 {
		return errors.Join(err, fmt.Errorf("%d implementers answer, want 1", len(report.Implementers)))
	}
	i := report.Implementers[0]
	res := c.TurnOff(ctx, findmy.Target{Name: i.Name, Provider: i.Provider, Account: i.Account}, "a guess")
	if res.Outcome != findmy.WrongProof {
		return fmt.Errorf("a wrong password ended in %q", res.Outcome)
	}
	if state, err := s.device(ctx); err != nil || state != departure.TrackerOn {
		return errors.Join(err, fmt.Errorf("find My Device is %s after a wrong password", state))
	}
	fmt.Println("The account's server does not accept it, and Find My Device stays on.")
	return nil
}

// device asks Find My Device itself, past the agent.
func (s *scenery) device(ctx context.Context) (departure.TrackerState, error) {
	c, err := findmy.Open(ctx, findmy.Options{Address: s.System.Address})
	if err != nil {
		return "", err
	}
	defer c.Close()
	report, err := c.Look(ctx, nil)
	if err != nil || len(report.Implementers) != 1 {
		return "", errors.Join(err, fmt.Errorf("%d implementers answer, want 1", len(report.Implementers)))
	}
	return report.Implementers[0].State, nil
}

// synced waits until the address book of this device has what the server has.
func (s *scenery) synced(ctx context.Context) error {
	return until(ctx, func() (bool, error) {
		out, err := s.quiet(ctx, "plan", s.Identity(), "--json")
		if err != nil {
			return false, err
		}
		var answer struct {
			Plan agent.PlanReport `json:"plan"`
		}
		if err := decode(out, &answer); err != nil {
			return false, err
		}
		for _, c := range answer.Plan.Classes {
			if c.Dataset == departure.Contacts {
				return c.OnlyCloud == 0 && answer.Plan.Complete, nil
			}
		}
		return false, nil
	})
}

func leave(ctx context.Context, s *scenery) error {
	if err := s.synced(ctx); err != nil {
		return err
	}
	args := []string{"leave", s.Identity(), "--intent", "delete", "--to", s.copies, "--password-file", s.password, "--no-watch"}
	out, code, err := s.says(ctx, append(args, answers()...)...)
	if err = errors.Join(err, ended(code, 0)); err != nil {
		return err
	}
	if !strings.Contains(out, "READY") {
		return errors.New("it does not say READY")
	}
	state, err := s.device(ctx)
	if err != nil {
		return err
	}
	if state != departure.TrackerOff {
		return fmt.Errorf("find My Device is %s", state)
	}
	return nil
}

// witnesses check with programs that share no code with Clearance.
func witnesses(ctx context.Context, s *scenery) error {
	at, err := s.copyFolder()
	if err != nil {
		return err
	}
	sums := exec.CommandContext(ctx, "sha256sum", "-c", "--quiet", "manifest-sha256.txt")
	sums.Dir = at
	if out, err := sums.CombinedOutput(); err != nil {
		return fmt.Errorf("sha256sum: %w: %s", err, out)
	}
	fmt.Println("sha256sum: every file of the copy is as it was written")
	compare := s.Session.Command(ctx, filepath.Join(s.Bin, "compare"), "-server", s.Server.URL(), "-user", user,
		"-password-file", s.password, "-copy", at, "-config", s.Session.ConfigHome)
	compare.Stdout, compare.Stderr = os.Stdout, os.Stderr
	return compare.Run()
}

// copyFolder is where the copy is: the one folder at its destination.
func (s *scenery) copyFolder() (string, error) {
	found, err := filepath.Glob(filepath.Join(s.copies, "*", "manifest-sha256.txt"))
	if err != nil || len(found) != 1 {
		return "", errors.Join(err, fmt.Errorf("%d copies at %s, want 1", len(found), s.copies))
	}
	return filepath.Dir(found[0]), nil
}

// permit asks for a permit and returns its id.
func (s *scenery) newPermit(ctx context.Context) (string, error) {
	out, err := s.quiet(ctx, "permit", s.Identity(), "--audience", "demo", "--nonce", rand.Text(), "--json")
	if err != nil {
		return "", err
	}
	var answer struct {
		Permit agent.PermitInfo `json:"permit"`
	}
	if err := decode(out, &answer); err != nil {
		return "", err
	}
	if answer.Permit.ID == "" {
		return "", fmt.Errorf("no permit in %s", out)
	}
	fmt.Printf("A permit, good until %s.\n", answer.Permit.Expires.Local().Format("15:04:05"))
	return answer.Permit.ID, nil
}

func redeem(ctx context.Context, s *scenery) error {
	permit, err := s.newPermit(ctx)
	if err != nil {
		return err
	}
	nonce := rand.Text()
	out, err := s.quiet(ctx, "permit", "redeem", permit, "--nonce", nonce, "--json")
	if err != nil {
		return err
	}
	var answer struct {
		Receipt agent.ReceiptInfo `json:"receipt"`
	}
	if err := decode(out, &answer); err != nil {
		return err
	}
	fmt.Println("Redeemed after a fresh look at this device and the server. A program that holds only the public key checks the proof:")
	keys, err := s.quiet(ctx, "keys")
	if err != nil {
		return err
	}
	jwks := filepath.Join(s.root, "keys.json")
	if err := os.WriteFile(jwks, []byte(keys), 0o644); err != nil {
		return err
	}
	check := exec.CommandContext(ctx, filepath.Join(s.Bin, "receipt-check"), "--keys", jwks, "--audience", "demo", "--nonce", nonce)
	check.Stdin = strings.NewReader(answer.Receipt.Token)
	check.Stdout, check.Stderr = &indented{to: os.Stdout}, &indented{to: os.Stderr}
	if err := check.Run(); err != nil {
		return err
	}
	if out, code, err := s.redeemAgain(ctx, permit); err != nil || code == 0 {
		return errors.Join(err, fmt.Errorf("the permit was redeemed a second time: %s", out))
	}
	fmt.Println("The same permit, presented again with another nonce, is refused.")
	return nil
}

func (s *scenery) redeemAgain(ctx context.Context, permit string) (string, int, error) {
	out, err := s.Clearance(ctx, "permit", "redeem", permit, "--nonce", rand.Text()).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(out), exit.ExitCode(), nil
	}
	return string(out), 0, err
}

func change(ctx context.Context, s *scenery) error {
	permit, err := s.newPermit(ctx)
	if err != nil {
		return err
	}
	if _, err := s.Account.PutFile("Photos/2026/11/arrived-just-now.jpg", s.Account.File(s.Account.Files()[0])); err != nil {
		return err
	}
	fmt.Println("Another of your devices uploads a photo …")
	out, code, err := s.says(ctx, "permit", "redeem", permit, "--nonce", rand.Text())
	if err != nil {
		return err
	}
	if code == 0 {
		return errors.New("the permit was redeemed although a photo is not in the copy")
	}
	if !strings.Contains(strings.ToLower(out), "do not delete") {
		return errors.New("it does not say to not delete")
	}
	_, code, err = s.says(ctx, "status", s.Identity())
	if err != nil {
		return err
	}
	return ended(code, 1)
}

func copies(_ context.Context, s *scenery) error {
	at, err := s.copyFolder()
	if err != nil {
		return err
	}
	fmt.Printf("It lies in %s, as plain files. To look at it, open index.html there in any browser.\n", at)
	fmt.Println("To check it without Clearance, on any machine:")
	fmt.Printf("  cd %s && sha256sum -c manifest-sha256.txt\n", at)
	return nil
}

func ended(code, want int) error {
	if code != want {
		return fmt.Errorf("it ended with %d, want %d", code, want)
	}
	return nil
}

// decode reads an answer of --json.
func decode(out string, into any) error {
	if err := json.Unmarshal([]byte(out), into); err != nil {
		return fmt.Errorf("cannot read %q: %w", out, err)
	}
	return nil
}
