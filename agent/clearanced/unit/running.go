package unit

import (
	"errors"
	"fmt"

	"github.com/kardianos/service"
)

// Running says whether the installed service runs: "running" or "stopped". A
// service that is not installed, or whose state is not known, is an error.
func Running(s interface {
	Status() (service.Status, error)
}) (string, error) {
	st, err := s.Status()
	switch {
	case errors.Is(err, service.ErrNotInstalled):
		return "", errors.New("the service is not installed: install it with `clearanced install`")
	case err != nil:
		return "", fmt.Errorf("cannot find out whether the service runs: %w", err)
	case st == service.StatusRunning:
		return "running", nil
	case st == service.StatusStopped:
		return "stopped", nil
	}
	return "", errors.New("it is not known whether the service runs")
}
