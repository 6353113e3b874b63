package datasettest_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/dataset"
	"github.com/clearance-project/clearance/platform/dataset/datasettest"
)

// fake is a program that keeps one folder of text files.
type fake struct {
	at string
	d  departure.Dataset
}

func (fake) Name() string { return "fake" }

func (f fake) Find(context.Context) ([]dataset.Store, error) {
	if _, err := os.Lstat(f.at); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return []dataset.Store{dataset.OfFolder(dataset.Store{ID: "fake:1", Dataset: f.d, Name: "Fake"}, f.at, "fake", dataset.Flat(".txt"))}, nil
}

func program(d departure.Dataset) func(t *testing.T) datasettest.Program {
	return func(t *testing.T) datasettest.Program {
		home := t.TempDir()
		f := fake{filepath.Join(home, "fake"), d}
		return datasettest.Program{
			Finder: f, Home: home,
			Put: func(t *testing.T, items ...datasettest.Item) {
				for _, it := range items {
					datasettest.Write(t, filepath.Join(f.at, it.ID+".txt"), it.Title+"\n"+it.Body)
				}
			},
			Damage: func(t *testing.T) { datasettest.Instead(t, f.at) },
			Spoil: func(t *testing.T, id string) string {
				at := filepath.Join(f.at, id+".txt")
				datasettest.Write(t, at, strings.Repeat("x", 10))
				if err := errors.Join(os.Remove(at), os.Symlink("/nowhere", at)); err != nil {
					t.Fatal(err)
				}
				return id
			},
		}
	}
}

func TestContractContacts(t *testing.T) {
	datasettest.Contacts(t, "fake", program(departure.Contacts))
}

func TestContractNotes(t *testing.T) { datasettest.Notes(t, "fake", program(departure.Notes)) }

func TestContractCalendars(t *testing.T) {
	datasettest.Calendars(t, "fake", program(departure.Calendars))
}

func TestContractPhotos(t *testing.T) { datasettest.Photos(t, "fake", program(departure.Photos)) }
