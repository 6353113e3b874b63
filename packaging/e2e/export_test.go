package e2e

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// takeout is an export of Google's in three parts, as it was downloaded: four
// photos with what Google notes of them in another part, one of them in an album
// too; five contacts, one of them in a group too; a calendar; two notes; a file of Drive.
func (p *person) takeout() map[string][]byte {
	p.t.Helper()
	const photos = "Takeout/Google Photos/Photos from 2019/"
	picture := func(i int) string {
		raw, err := davtest.Picture(i)
		p.ok(err)
		return string(raw)
	}
	cards := ""
	for i := range 5 {
		cards += string(davtest.Card(i))
	}
	parts := []map[string]string{{}, {}, {}}
	for i := range 4 {
		name := fmt.Sprintf("IMG_%d.jpg", i)
		parts[i%2][photos+name] = picture(i)
		parts[2][photos+name+".supplemental-metadata.json"] = fmt.Sprintf(`{"title": %q, "photoTakenTime": {"timestamp": "%d"}}`, name, 1560000000+i)
	}
	parts[1]["Takeout/Drive/letter.txt"] = "Dear all"
	parts[1]["Takeout/Google Photos/Trip/IMG_0.jpg"] = picture(0)
	parts[0]["Takeout/Contacts/All Contacts/All Contacts.vcf"] = cards
	parts[0]["Takeout/Contacts/Friends/Friends.vcf"] = string(davtest.Card(3))
	parts[1]["Takeout/Calendar/Home.ics"] = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:e1\r\nDTSTAMP:20240101T000000Z\r\nDTSTART:20240501T190000Z\r\nSUMMARY:E\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	for _, n := range []string{"Shopping", "Idea"} {
		parts[2]["Takeout/Keep/"+n+".json"] = fmt.Sprintf(`{"title": %q, "textContent": "what to do", "userEditedTimestampUsec": 1582955199253000}`, n)
	}
	files := map[string][]byte{}
	for i, part := range parts {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for name, data := range part {
			in, err := w.Create(name)
			p.ok(err)
			_, err = in.Write([]byte(data))
			p.ok(err)
		}
		p.ok(w.Close())
		files[fmt.Sprintf("takeout-20240712T112341Z-%03d.zip", i+1)] = b.Bytes()
	}
	return files
}

// kinds are what is given of the export, all of it.
var kinds = []departure.Dataset{departure.Photos, departure.Contacts, departure.Notes, departure.Calendars, departure.Files}

// TestLeavingWithAnExport walks an account of which only its export is here. A
// part that lacks is never ready, whether a later one shows it or only the
// person's count.
func TestLeavingWithAnExport(t *testing.T) {
	p := start(t, davtest.Content{})
	p.agent()
	parts := p.takeout()
	const second, third = "takeout-20240712T112341Z-002.zip", "takeout-20240712T112341Z-003.zip"
	dir := p.folder(filepath.Join(p.stage.Root, "downloads"), parts)
	aside := func(name string) func() {
		p.ok(os.Rename(filepath.Join(dir, name), filepath.Join(p.stage.Root, name)))
		return func() { p.ok(os.Rename(filepath.Join(p.stage.Root, name), filepath.Join(dir, name))) }
	}
	back := aside(second)
	p.rest()
	account, err := p.c.AddAccount(p.t.Context(), "google", "alice@gmail.com")
	p.ok(err)
	for _, d := range kinds {
		_, err := p.c.AddSource(p.t.Context(), account.ID, d, filepath.Join(dir, "takeout-20240712T112341Z-001.zip"))
		p.ok(err)
	}
	id := p.leave(account.ID, departure.Delete)
	info := p.run(id, departure.StepInventory)
	c := p.wants(info, departure.InventoryComplete, departure.Unknown, "parts")
	if !strings.Contains(c.Reason.Text, "part 2 is missing") {
		t.Errorf("%s", c.Reason.Text)
	}

	// Without the last part it looks whole: only the page tells.
	back()
	back = aside(third)
	p.counts = map[departure.CheckID]int64{
		departure.InventoryComplete: 3, departure.BackupOf(departure.Photos): 4, departure.BackupOf(departure.Contacts): 5,
		departure.BackupOf(departure.Notes): 2, departure.BackupOf(departure.Calendars): 1, departure.BackupOf(departure.Files): 1,
	}
	info = p.run(id, departure.StepTrack)
	c = p.wants(info, departure.InventoryComplete, departure.Unknown, "parts-not-said")
	p.sayOne(id, c, 1)
	info = p.run(id, departure.StepTrack)
	c = p.wants(info, departure.InventoryComplete, departure.Fail, "parts-miscounted")
	if !strings.HasPrefix(c.Remedy.Command, "clearance ack ") || !strings.Contains(c.Reason.Text, "2 parts of") {
		t.Errorf("%s, next %s", c.Reason.Text, c.Remedy.Command)
	}
	p.sayOne(id, c, 3)
	p.answer(info)
	info = p.run(id, departure.StepTrack)
	c = p.wants(info, departure.InventoryComplete, departure.Fail, "part-missing")
	if !strings.Contains(c.Reason.Text, "part 3 of 3 of takeout-20240712T112341Z is missing") || c.Count != 1 {
		t.Errorf("%s, %d", c.Reason.Text, c.Count)
	}
	if info.Verdict.Release || info.Verdict.Ready {
		t.Error("an export without its last part is enough")
	}

	back()
	p.rest()
	info = p.ready(id)
	p.wants(info, departure.InventoryComplete, departure.Attested, "attested")
	for _, d := range kinds {
		p.wants(info, departure.BackupOf(d), departure.Attested, "attested")
	}
	if info.Verdict.Assurance != departure.AssuredAttested {
		t.Errorf("the assurance is %s", info.Verdict.Assurance)
	}
	picture, err := davtest.Picture(2)
	p.ok(err)
	if !p.copied(info, picture) || len(p.copiedWith(info, "# Shopping")) == 0 {
		t.Error("a photo or a note is not in the copy")
	}
	p.sha256sum(info)
}
