package bag

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
)

// WriteExport writes export/name anew, whole or not at all. What is there is for
// convenience: it is in no manifest.
func (b *Bag) WriteExport(name string, fill func(io.Writer) error) error {
	if name != Sanitise(name) {
		return fmt.Errorf("cannot write the export: %q is not a file name", name)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return b.broken
	}
	if err := b.root.Mkdir(exportDir, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return trouble(err)
	}
	return b.replace(exportDir+"/"+name, fill)
}

// WriteIndex writes index.html anew, whole or not at all. It is in no manifest.
func (b *Bag) WriteIndex(fill func(io.Writer) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return b.broken
	}
	return b.replace("index.html", fill)
}

func (b *Bag) replace(name string, fill func(io.Writer) error) error {
	temp := tempDir + "/export-" + randomHex(4)
	f, err := b.root.Create(temp, fileMode)
	if err != nil {
		return trouble(err)
	}
	out := bufio.NewWriterSize(f, 1<<18)
	err = fill(out)
	if err == nil {
		err = trouble(out.Flush())
	}
	if err == nil {
		err = trouble(f.Sync())
	}
	if err = errors.Join(err, trouble(f.Close())); err != nil {
		return errors.Join(fmt.Errorf("cannot write %q: %w", name, err), trouble(b.root.Remove(temp)))
	}
	if err := b.root.Replace(temp, name); err != nil {
		return trouble(err)
	}
	return trouble(b.root.SyncDir(path.Dir(name)))
}
