package beside

import (
	"crypto/sha256"
	"os"
	"strings"
	"sync"
)

// lacking counts the files of one folder whose bytes are nowhere in another,
// whatever their names there. No two files of a corpus are equal.
func lacking(from, in string) (int, error) {
	want, err := sums(from)
	if err != nil {
		return 0, err
	}
	have, err := sums(in)
	if err != nil {
		return 0, err
	}
	lost := 0
	for sum := range want {
		if !have[sum] {
			lost++
		}
	}
	return lost, nil
}

func sums(dir string) (map[[sha256.Size]byte]bool, error) {
	var mu sync.Mutex
	found := map[[sha256.Size]byte]bool{}
	err := eachFile(dir, func(path string) error {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		found[sha256.Sum256(text)] = true
		return nil
	})
	return found, err
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(line)
}
