// Package content makes up what the demo's account holds: photos with EXIF,
// contacts with pictures, notes with images, events and tasks. Nothing in it is
// anyone's: names are put together from lists, telephone numbers and mail
// domains are those reserved for fiction and documentation.
//
// It imports the standard library alone. Invariants: the same seed and sizes
// give the same bytes with the same Go release; nothing is read from the machine,
// not even the clock; generating holds everything in memory.
package content

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"runtime"
	"sync"
	"time"
)

// Sizes says how many of each to make.
type Sizes struct{ Photos, Contacts, Notes, Events, Tasks int }

// Demo is what the demo shows: enough to be a life, little enough to be copied
// in a second.
var Demo = Sizes{Photos: 60, Contacts: 120, Notes: 24, Events: 40, Tasks: 12}

// File is a file of the account.
type File struct {
	Path    string // relative, separated by "/"
	Data    []byte
	ModTime time.Time
}

// Object is a contact (vCard 3.0), event or task (iCalendar, one UID).
type Object struct {
	UID  string
	Href string // name within its collection: UID with an extension
	Data string
}

// Set is everything that an account holds.
type Set struct {
	Photos   []File // Photos/2024/06/IMG_….jpg
	Notes    []File // Notes/….md, and the images beside them in Notes/attachments
	Contacts []Object
	Events   []Object
	Tasks    []Object
}

// Generate makes a set.
func Generate(seed int64, n Sizes) Set {
	s := Set{
		Contacts: contacts(stream(seed, "contacts", 0), seed, n.Contacts),
		Notes:    notes(seed, n.Notes),
		Events:   events(stream(seed, "events", 0), n.Events),
		Tasks:    tasks(stream(seed, "tasks", 0), n.Tasks),
	}
	s.Photos = photos(seed, n.Photos)
	return s
}

// stream gives the random numbers for one thing: adding a contact changes no
// photo.
func stream(seed int64, what string, i int) *rand.Rand {
	h := uint64(14695981039346656037)
	for _, c := range []byte(what) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return rand.New(rand.NewPCG(uint64(seed), h+uint64(i)*0x9e3779b97f4a7c15))
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func uid(r *rand.Rand) string {
	a, b := r.Uint64(), r.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, 0x8000|b>>48&0x3fff, b&0xffffffffffff)
}

// each runs make for 0 to n-1 on all processors and keeps the order.
func each[T any](n int, produce func(i int) T) []T {
	out := make([]T, n)
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := range next {
				out[i] = produce(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	return out
}

// WriteTree writes files beneath root, with their times. It overwrites nothing.
func WriteTree(root *os.Root, files ...File) error {
	for _, f := range files {
		if err := writeFile(root, f); err != nil {
			return fmt.Errorf("cannot write %q: %w", f.Path, err)
		}
	}
	return nil
}

func writeFile(root *os.Root, f File) error {
	if err := root.MkdirAll(path.Dir(f.Path), 0o755); err != nil {
		return err
	}
	w, err := root.OpenFile(f.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = w.Write(f.Data)
	if closeErr := w.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return root.Chtimes(f.Path, f.ModTime, f.ModTime)
}
