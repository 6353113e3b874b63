// Package corpus makes the files that the tools are measured on, the same ones
// each time, from a fixed seed.
//
// It imports the standard library alone.
package corpus

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Kind is a sort of corpus.
type Kind string

// The kinds.
const (
	// Photos are of log-normal sizes: mean 800 kB, sigma 0.7.
	Photos Kind = "photos"
	// Small are files of 300 bytes.
	Small Kind = "small"
	// Nasty are small files under every name that a file system takes.
	Nasty Kind = "names"
)

const (
	smallSize  = 300
	photoMean  = 800_000
	photoSigma = 0.7
	perFolder  = 500
)

// Made is what a corpus holds.
type Made struct {
	Files int
	Bytes int64
}

// Fill writes a corpus of n files into the folder dir, which exists.
func Fill(dir string, kind Kind, n int) (m Made, err error) {
	m = Made{Files: n}
	w := writer{size: rand.New(rand.NewPCG(7, uint64(n))), bytes: rand.NewChaCha8(seed(kind))}
	for i := range n {
		folder, name := fmt.Sprintf("%04d", i/perFolder), fmt.Sprintf("f%07d.txt", i)
		size := int64(smallSize)
		switch kind {
		case Photos:
			name, size = fmt.Sprintf("IMG_%06d.jpg", i), w.photo()
		case Nasty:
			name = nasty(i)
		}
		folder = filepath.Join(dir, folder)
		if i%perFolder == 0 {
			if err := os.Mkdir(folder, 0o755); err != nil {
				return m, err
			}
		}
		if err := w.write(folder+"/"+name, size); err != nil {
			return m, err
		}
		m.Bytes += size
	}
	return m, nil
}

func seed(kind Kind) (s [32]byte) {
	copy(s[:], "clearance bench "+kind)
	return s
}

// writer makes sizes and contents, each of a stream of its own.
type writer struct {
	size  *rand.Rand
	bytes *rand.ChaCha8
	n     uint64
}

// photo is the next size: a log-normal one has its mean at exp(mu + sigma²/2).
func (w *writer) photo() int64 {
	mu := math.Log(photoMean) - photoSigma*photoSigma/2
	return max(smallSize, int64(math.Exp(mu+photoSigma*w.size.NormFloat64())))
}

// write makes one file; no two are equal.
func (w *writer) write(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	w.n++
	head := binary.BigEndian.AppendUint64(nil, w.n)
	if _, err = f.Write(head); err == nil {
		_, err = io.CopyN(f, w.bytes, size-int64(len(head)))
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
