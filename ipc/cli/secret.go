package cli

import (
	"context"

	"golang.org/x/term"
)

// Secret reads a password from a terminal without echo. When ctx ends first the
// terminal is given back as it was.
func Secret(fd int) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		before, err := term.GetState(fd)
		if err != nil {
			return "", err
		}
		read := make(chan line, 1)
		go func() {
			secret, err := term.ReadPassword(fd)
			read <- line{string(secret), err}
		}()
		select {
		case got := <-read:
			return got.text, got.err
		case <-ctx.Done():
			_ = term.Restore(fd, before) // the command ends; there is nobody to tell
			return "", ctx.Err()
		}
	}
}
