// Command receipt-check verifies a Clearance receipt, or a permit, as a relying
// party would: with the public keys and nothing else of Clearance.
//
//	receipt-check --keys JWKS --audience NAME --nonce NONCE [--redeems JTI] [FILE]
//	receipt-check --permit --keys JWKS --audience NAME --nonce NONCE [FILE]
//
// FILE holds a compact JWS; none or "-" is standard input. Exit code 0: it holds;
// 1: it does not, and every reason is printed; 2: it could not be checked.
//
// It is the second opinion on the agent's signatures. Invariant: it imports the
// standard library alone, no JOSE library and no package of ours, so that a
// mistake made there is not made here again.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// maxInput is the largest token or key file that is read, bytes.
const maxInput = 64 << 10

const (
	exitHolds   = 0
	exitRefused = 1
	exitUnknown = 2
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, time.Now())) }

func run(args []string, in io.Reader, out, errs io.Writer, now time.Time) int {
	flags := flag.NewFlagSet("receipt-check", flag.ContinueOnError)
	flags.SetOutput(errs)
	keyFile := flags.String("keys", "", "file with the agent's public keys, a JWK set")
	want := expected{now: now, typ: receiptType}
	flags.StringVar(&want.audience, "audience", "", "for whom the statement must be")
	flags.StringVar(&want.nonce, "nonce", "", "the nonce that was asked to be signed")
	flags.StringVar(&want.redeems, "redeems", "", "jti of the permit that a receipt must be for")
	permit := flags.Bool("permit", false, "check a permit; alone it allows nothing")
	if err := flags.Parse(args); err != nil {
		return exitUnknown
	}
	if *permit {
		want.typ = permitType
	}
	if err := usable(flags, *keyFile, &want); err != nil {
		fmt.Fprintln(errs, "cannot check:", err)
		return exitUnknown
	}
	keys, token, err := inputs(*keyFile, flags.Arg(0), in)
	if err != nil {
		fmt.Fprintln(errs, "cannot check:", err)
		return exitUnknown
	}
	claims, wrong := check(token, keys, &want)
	if len(wrong) > 0 {
		fmt.Fprintf(out, "REFUSED: this %s does not hold. Do not delete anything.\n", want.word())
		for _, w := range wrong {
			fmt.Fprintln(out, "  -", w)
		}
		return exitRefused
	}
	fmt.Fprintln(out, accepted(claims, &want))
	return exitHolds
}

func usable(flags *flag.FlagSet, keyFile string, want *expected) error {
	switch {
	case keyFile == "":
		return errors.New("--keys is missing")
	case want.audience == "":
		return errors.New("--audience is missing")
	case len(want.nonce) < 16:
		return errors.New("--nonce is missing or shorter than 16 characters: it would prove nothing")
	case want.redeems != "" && want.typ == permitType:
		return errors.New("--redeems is for receipts")
	case flags.NArg() > 1:
		return errors.New("one file at a time")
	}
	return nil
}

func inputs(keyFile, tokenFile string, in io.Reader) (keys map[string]publicKey, token string, err error) {
	raw, err := readFile(keyFile)
	if err != nil {
		return nil, "", fmt.Errorf("cannot read the keys: %w", err)
	}
	if keys, err = parseKeys(raw); err != nil {
		return nil, "", fmt.Errorf("cannot read the keys: %w", err)
	}
	if tokenFile == "" || tokenFile == "-" {
		raw, err = readLimited(in)
	} else {
		raw, err = readFile(tokenFile)
	}
	if err != nil {
		return nil, "", fmt.Errorf("cannot read the token: %w", err)
	}
	return keys, strings.TrimSpace(string(raw)), nil
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readLimited(f)
}

func readLimited(r io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err == nil && len(raw) > maxInput {
		err = fmt.Errorf("larger than %d bytes", maxInput)
	}
	return raw, err
}

// accepted says what was proven, in a sentence.
func accepted(c claims, want *expected) string {
	var b strings.Builder
	fmt.Fprintf(&b, "OK: the agent states that deletion of this %q account is allowed (%s, assurance %q, device %s).\n", c.provider, c.intent, c.assurance, c.state)
	fmt.Fprintf(&b, "  signed %d s ago for %q over our nonce, by key %q", int(want.now.Sub(time.Unix(c.issued, 0)).Seconds()), want.audience, c.key)
	if len(c.waived) > 0 {
		fmt.Fprintf(&b, "\n  passed over by the owner: %s", strings.Join(c.waived, ", "))
	}
	if c.simulated {
		b.WriteString("\n  a simulated device took part: good for a demo and nothing else")
	}
	if want.typ == permitType {
		b.WriteString("\n  a permit alone allows nothing: redeem it and check the receipt")
	}
	return b.String()
}
