package bag

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"

	"github.com/clearance-project/clearance/backup/disk"
)

const (
	bornPrefix = ".clearance-new-"
	idLabel    = "External-Identifier:"
	idPrefix   = "clearance:"
)

// declaration is bagit.txt (RFC 8493, 2.1.1).
const declaration = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"

// about is the first payload file, for whoever finds the folder one day.
const about = `This folder is a copy of what an account held: photos, contacts, notes,
calendars, files. Clearance made it, and you need no Clearance to use it.

What is where
  data/photos      your photos and videos, byte for byte as they were
  data/contacts    one .vcf file for each contact
  data/notes       your notes, as text and in the form they were kept in
  data/calendars   one .ics file for each event and task
  data/files       other files
  export           the same contacts and calendars in one file each, to import elsewhere
  items.jsonl      what every file is: where it came from, its name there, its date
  failures.jsonl   what could not be copied, and why

To check that every file is still as it was copied, open a terminal here and run

  sha256sum -c --quiet manifest-sha256.txt

It prints nothing when all is well, and names each file that is not. On a Mac:

  shasum -a 256 -c manifest-sha256.txt

On Windows, "certutil -hashfile FILE SHA256" shows the sum of one file, to
compare with its line in manifest-sha256.txt.

If a thing changed at its source after it was first copied, the newer one stands
beside the older: "name.jpg", "name~2.jpg". Nothing is ever taken out of this
folder. Please do not edit files in here: copy them out first.

The form of this folder is BagIt 1.0 (RFC 8493).
`

// bear writes a whole, empty bag under the folder temp and makes it durable.
func bear(root disk.Root, temp string, o *Options) error {
	for _, d := range []string{temp, temp + "/data", temp + "/" + ownDir, temp + "/" + tempDir} {
		if err := root.Mkdir(d, dirMode); err != nil {
			return err
		}
	}
	info := fmt.Sprintf("Bag-Software-Agent: Clearance\nBagging-Date: %s\n%s %s%s\n",
		o.Now().UTC().Format("2006-01-02"), idLabel, idPrefix, randomHex(16))
	manifest := manifestLine(sha256.Sum256([]byte(about)), aboutName)
	texts := []struct {
		name, text string
		mode       fs.FileMode
	}{
		{aboutName, about, payloadMode},
		{declarationName, declaration, fileMode},
		{infoName, info, fileMode},
		{manifestName, manifest, fileMode},
		{itemsName, "", fileMode},
		{failuresName, "", fileMode},
	}
	tag := ""
	for _, t := range texts {
		if err := writeFile(root, temp+"/"+t.name, t.text, t.mode); err != nil {
			return err
		}
		if t.name != aboutName {
			tag += manifestLine(sha256.Sum256([]byte(t.text)), t.name)
		}
	}
	if err := writeFile(root, temp+"/"+tagName, tag, fileMode); err != nil {
		return err
	}
	for _, d := range []string{temp + "/" + ownDir, temp + "/data", temp} {
		if err := root.SyncDir(d); err != nil {
			return err
		}
	}
	return nil
}

// unborn removes what bear left, as far as it goes: the error that made it
// necessary is the one to tell.
func unborn(root disk.Root, temp string) {
	for _, n := range []string{
		aboutName, "data", declarationName, infoName, manifestName, itemsName, failuresName, tagName,
		tempDir, ownDir,
	} {
		_ = root.Remove(temp + "/" + n)
	}
	_ = root.Remove(temp)
}

func manifestLine(sum [32]byte, path string) string { return fmt.Sprintf("%x  %s\n", sum, path) }

// writeFile writes a new file and makes its content durable.
func writeFile(root disk.Root, name, text string, mode fs.FileMode) error {
	f, err := root.Create(name, mode)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(text))
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
