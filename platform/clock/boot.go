package clock

import (
	"fmt"
	"os"
	"strings"

	"github.com/google/uuid"
)

const bootIDFile = "/proc/sys/kernel/random/boot_id"

// BootID is the kernel's random id of this boot, a lower-case UUID
// (random(4)). It changes with every boot and with nothing else.
func BootID() (string, error) { return readBootID(bootIDFile) }

func readBootID(file string) (string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("cannot read the boot id: %w", err)
	}
	id, err := uuid.Parse(strings.TrimSpace(string(raw)))
	if err != nil || id == uuid.Nil {
		return "", fmt.Errorf("cannot read the boot id: %q is no id", raw)
	}
	return id.String(), nil
}
