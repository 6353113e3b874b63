package bag

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"strings"
)

// WriteView writes export/name anew, whole or not at all; name may lie in
// folders. It is made for very many small files: none is durable before
// [Bag.SyncView]. Like everything in export/ it is in no manifest. It may be
// called from several goroutines.
func (b *Bag) WriteView(name string, data []byte) error {
	at, err := b.viewPath(name)
	if err != nil {
		return err
	}
	temp := tempDir + "/view-" + randomHex(8)
	f, err := b.root.Create(temp, fileMode)
	if err != nil {
		return trouble(err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = b.putView(temp, at)
	}
	if err != nil {
		return errors.Join(trouble(err), trouble(b.root.Remove(temp)))
	}
	return nil
}

// putView renames a file into export/, whose folders are made where they lack.
func (b *Bag) putView(temp, at string) error {
	err := b.root.Replace(temp, at)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for i, c := range at {
		if c != '/' {
			continue
		}
		if err := b.root.Mkdir(at[:i], dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return b.root.Replace(temp, at)
}

// RemoveView removes export/name, if it is there.
func (b *Bag) RemoveView(name string) error {
	at, err := b.viewPath(name)
	if err != nil {
		return err
	}
	if err := b.root.Remove(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return trouble(err)
	}
	return nil
}

// SyncView makes everything that [Bag.WriteView] wrote durable.
func (b *Bag) SyncView() error { return trouble(b.root.SyncAll()) }

// viewPath is the path in the bag of export/name, if the bag may be written.
func (b *Bag) viewPath(name string) (string, error) {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part != Sanitise(part) {
			return "", fmt.Errorf("cannot write the export: %q is not a file name", name)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return path.Join(exportDir, name), b.broken
}

// Failures reads failures.jsonl as it was last folded. A line that cannot be
// read comes as a failure without a key, for it stands for an item that is not
// in the copy. An error ends it.
func (b *Bag) Failures() iter.Seq2[Failure, error] {
	return func(yield func(Failure, error) bool) {
		f, err := b.root.Open(failuresName)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				yield(Failure{}, trouble(err))
			}
			return
		}
		defer f.Close()
		in := bufio.NewReaderSize(f, maxLine)
		for {
			text, err := in.ReadSlice('\n')
			if text = bytes.TrimSpace(text); len(text) > 0 && !yield(parseFailure(text), nil) {
				return
			}
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
				yield(Failure{}, trouble(err))
				return
			}
		}
	}
}

func parseFailure(text []byte) Failure {
	var l failureLine
	if err := json.Unmarshal(text, &l); err != nil {
		return Failure{Detail: "a line of failures.jsonl that cannot be read"}
	}
	f := Failure{Reason: l.Reason, Detail: l.Detail, At: timeOf(l.At)}
	f.Dataset = l.Dataset
	var errs [4]error
	f.Account, errs[0] = join(l.Account, l.Account64)
	f.Source, errs[1] = join(l.Source, l.Source64)
	f.ID, errs[2] = join(l.ID, l.ID64)
	f.Name, errs[3] = join(l.Name, l.Name64)
	if errors.Join(errs[:]...) != nil {
		return Failure{Reason: l.Reason, Detail: "a line of failures.jsonl that cannot be read"}
	}
	return f
}
