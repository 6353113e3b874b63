package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// phone is a Mi Account on a phone that is not this device.
const phone = "1926000000"

// declare names an account of which nothing is on this device, with what was
// exported from it.
func (p *person) declare(given map[departure.Dataset]string) string {
	p.t.Helper()
	a, err := p.c.AddAccount(p.t.Context(), "xiaomi", phone)
	p.ok(err)
	for dataset, at := range given {
		_, err := p.c.AddSource(p.t.Context(), a.ID, dataset, at)
		p.ok(err)
	}
	return a.ID
}

// exports are what a person takes out of the Xiaomi cloud by hand.
func (p *person) exports() map[departure.Dataset]string {
	p.t.Helper()
	root := p.folder(filepath.Join(p.stage.Root, "from-the-phone"), nil)
	cards := strings.Builder{}
	for i := range 7 {
		cards.Write(davtest.Card(i))
	}
	p.folder(root, map[string][]byte{"contacts.vcf": []byte(cards.String())})
	return map[departure.Dataset]string{
		departure.Photos:   p.folder(filepath.Join(root, "photos"), p.pictures(6)),
		departure.Contacts: filepath.Join(root, "contacts.vcf"),
		departure.Notes: p.folder(filepath.Join(root, "notes"), map[string][]byte{
			"one.md": []byte("# One\n"), "two.md": []byte("# Two\n"), "three.md": []byte("# Three\n"),
		}),
	}
}

// TestDeclaredAccount walks an account that is not on this device to an honest
// verdict: it rests on what the person said, and says so.
func TestDeclaredAccount(t *testing.T) {
	p := start(t, davtest.Content{})
	p.agent()
	exports := p.exports()
	p.rest()
	id := p.leave(p.declare(exports), departure.Delete)

	info := p.run(id, departure.StepTrack)
	for _, d := range []departure.Dataset{departure.Photos, departure.Contacts, departure.Notes, departure.Calendars} {
		c := p.wants(info, departure.BackupOf(d), departure.Unknown, "not-said")
		if c.Ask == nil || c.Ask.Kind != departure.Attest || !strings.Contains(c.Remedy.Command, "--count") {
			t.Errorf("%s: asked %+v, remedy %+v", d, c.Ask, c.Remedy)
		}
	}
	p.wants(info, departure.InventoryComplete, departure.Unknown, "not-said")
	p.wants(info, departure.FindMyDeviceOff, departure.Unknown, "not-said")
	p.wants(info, departure.ServerSeen, departure.Unknown, "not-said")

	// Fewer came out than the provider's own page shows.
	p.counts = map[departure.CheckID]int64{
		departure.BackupOf(departure.Photos): 6, departure.BackupOf(departure.Contacts): 7, departure.BackupOf(departure.Notes): 1926,
	}
	p.answer(info)
	info = p.run(id, departure.StepTrack)
	c := p.wants(info, departure.BackupOf(departure.Notes), departure.Fail, "fewer")
	if !strings.Contains(c.Reason.Text, "1,926") || c.Count != 1923 || !strings.Contains(c.Remedy.Command, "sources add") {
		t.Errorf("%s, %d, %+v", c.Reason.Text, c.Count, c.Remedy)
	}
	p.wants(info, departure.BackupOf(departure.Photos), departure.Attested, "attested")
	if _, err := p.askFor(id, "shop.example+attested"); err == nil {
		t.Error("a permit was given although notes are missing")
	}

	// They had counted wrong: a new word, and it counts once authorised.
	info = p.sayOne(id, c, 3)
	p.wants(info, departure.BackupOf(departure.Notes), departure.Fail, "awaits-authorisation")
	info = p.ready(id)
	for _, d := range []departure.Dataset{departure.Photos, departure.Contacts, departure.Notes, departure.Calendars} {
		p.wants(info, departure.BackupOf(d), departure.Attested, "attested")
	}
	if info.Verdict.Assurance != departure.AssuredAttested {
		t.Errorf("the assurance is %s", info.Verdict.Assurance)
	}
	if permit, err := p.askFor(id, "shop.example"); err == nil {
		t.Errorf("an audience that takes no such thing got a permit: %+v", permit)
	}
	permit, err := p.askFor(id, "shop.example+attested")
	p.ok(err)
	if _, err := p.redeem(permit.ID); err != nil {
		t.Error(err)
	}
	p.sha256sum(info)
}

// TestFileRewrittenThroughMmap: its content changes, no stamp of it does. The
// last look reads every byte again.
func TestFileRewrittenThroughMmap(t *testing.T) {
	p := start(t, davtest.Content{})
	p.agent()
	// A page is stamped when it is first written; a file system in memory never
	// cleans it, so that nothing stamps it again.
	dir, err := os.MkdirTemp("/dev/shm", "ce-")
	p.ok(err)
	t.Cleanup(func() { p.ok(os.RemoveAll(dir)) })
	p.ok(os.Chmod(dir, 0o755))
	p.folder(dir, p.pictures(3))
	at := filepath.Join(dir, "IMG_0001.jpg")
	mapped := mapping(p, at)
	old := slices.Clone(mapped)
	copy(mapped, old)
	p.rest()
	id := p.leave(p.declare(map[departure.Dataset]string{departure.Photos: dir}), departure.Delete)
	p.counts = map[departure.CheckID]int64{departure.BackupOf(departure.Photos): 3}
	info := p.run(id, departure.StepVerify)
	p.wants(info, departure.BackupOf(departure.Photos), departure.Unknown, "not-said")

	fresh, err := davtest.Picture(77)
	p.ok(err)
	fresh = append(fresh, make([]byte, max(0, len(old)-len(fresh)))...)[:len(old)]
	before := stamps(p, at)
	copy(mapped, fresh)
	if after := stamps(p, at); after != before {
		t.Fatalf("the stamps changed from %v to %v: this test shows nothing", before, after)
	}
	if p.copied(info, fresh) {
		t.Fatal("the new bytes are in the copy already")
	}
	info = p.ready(id)
	if !p.copied(info, fresh) {
		t.Error("it is ready, and the copy lacks what the file holds now")
	}
	if !p.copied(info, old) {
		t.Error("the earlier version went from the copy")
	}
	p.sha256sum(info)
}

// stamps are size, times and inode of a file.
func stamps(p *person, at string) [5]int64 {
	p.t.Helper()
	var st syscall.Stat_t
	p.ok(syscall.Stat(at, &st))
	return [5]int64{st.Size, st.Mtim.Nano(), st.Ctim.Nano(), int64(st.Ino), int64(st.Dev)}
}

// mapping is a file in memory, shared and writable.
func mapping(p *person, at string) []byte {
	p.t.Helper()
	f, err := os.OpenFile(at, os.O_RDWR, 0)
	p.ok(err)
	info, err := f.Stat()
	p.ok(err)
	m, err := syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	p.ok(errors.Join(err, f.Close()))
	p.t.Cleanup(func() { p.ok(syscall.Munmap(m)) })
	return m
}

// TestWordsAfterTheAuthorisation: another program of the same user says that
// what failed may be lost, after the owner authorised. It does not count.
func TestWordsAfterTheAuthorisation(t *testing.T) {
	p := start(t, davtest.Content{})
	p.agent()
	dir := p.folder(filepath.Join(p.stage.Root, "photos"), p.pictures(3))
	p.ok(syscall.Mkfifo(filepath.Join(dir, "IMG_9999.jpg"), 0o644))
	p.rest()
	id := p.leave(p.declare(map[departure.Dataset]string{departure.Photos: dir}), departure.Delete)
	info := p.run(id, departure.StepVerify)
	photos := departure.BackupOf(departure.Photos)
	failed := p.wants(info, photos, departure.Fail, "failed")
	if !strings.Contains(failed.Remedy.Command, "items --failed") && !strings.Contains(failed.Remedy.Command, "--failed") {
		t.Errorf("the remedy is %+v", failed.Remedy)
	}
	// The owner answers everything else, and authorises.
	p.counts = map[departure.CheckID]int64{photos: 3}
	for range 3 {
		for _, c := range info.Verdict.Checks.Open() {
			if c.Ask != nil && !c.Ask.Said && c.ID != photos {
				p.sayOne(id, c, 0)
			}
		}
		p.authorise(id, password)
		info = p.run(id, departure.StepTrack)
	}
	// Somebody else accepts the failure.
	info = p.sayOne(id, p.check(info, photos), 0)
	p.wants(info, photos, departure.Fail, "awaits-authorisation")
	info = p.run(id, departure.StepTrack)
	p.wants(info, photos, departure.Fail, "awaits-authorisation")
	if info.Verdict.Release || info.Verdict.Ready {
		t.Error("a word that the owner never saw counts")
	}
	if _, err := p.askFor(id, "demo+attested"); err == nil {
		t.Error("a permit was given")
	}
	info = p.ready(id) // the owner reads it, and authorises
	if _, err := p.askFor(id, "demo+attested"); err != nil {
		t.Error(err)
	}
	p.failedItems(info, "IMG_9999.jpg")
}

// failedItems fails the test unless exactly these are listed as failed, with a
// reason.
func (p *person) failedItems(info agent.DepartureInfo, names ...string) {
	p.t.Helper()
	page, err := p.c.Items(p.t.Context(), info.Departure.ID, engine.ItemFilter{Failed: true})
	p.ok(err)
	for _, name := range names {
		found := false
		for _, it := range page.Items {
			found = found || strings.HasSuffix(it.Name, name) && it.Why != ""
		}
		if !found {
			p.t.Errorf("%s is not listed: %+v", name, page.Items)
		}
	}
	if len(page.Items) != len(names) {
		p.t.Errorf("%d items are listed, want %v: %+v", len(page.Items), names, page.Items)
	}
}
