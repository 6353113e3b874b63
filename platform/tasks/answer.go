package tasks

import (
	"fmt"
	"time"

	"github.com/clearance-project/clearance/backup/scan"
)

// answering is how long a folder that a person names may take to say what it is.
// They wait for it: a disk that spins up takes ten seconds, a mount whose server
// is gone takes for ever.
const answering = 20 * time.Second

// noAnswer says to a person that a folder is on something that does not answer.
type noAnswer struct{ path string }

func (e *noAnswer) Error() string {
	return fmt.Sprintf("%s gives no answer: it is on a server or a disk that is gone. Bring that back, or unmount it, and try again", e.path)
}

func (e *noAnswer) Unwrap() error { return scan.ErrNoAnswer }

// asked gives what a call to the file system of a path gives, or a *noAnswer.
func asked[T any](limit time.Duration, path string, call func() (T, error)) (T, error) {
	type answer struct {
		got T
		err error
	}
	a, answered := scan.Ask(limit, func() answer {
		got, err := call()
		return answer{got, err}
	})
	if !answered {
		return a.got, &noAnswer{path}
	}
	return a.got, a.err
}
