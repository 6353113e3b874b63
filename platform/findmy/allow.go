package findmy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/clearance-project/clearance/platform/rootfile"
)

// DefaultAllowFile names the implementers that count although they do not run
// as root:
//
//	{"version": 1, "implementers": [{"name": "org.clearance.FindMyDevice1.Acme", "uid": 992}]}
const DefaultAllowFile = "/etc/clearance/find-my-device.json"

// maxAllowFile bounds the file, in bytes.
const maxAllowFile = 64 << 10

// Allowed is one implementer that counts though its uid is not 0.
type Allowed struct {
	Name string
	UID  uint32
}

// ReadAllowFile reads a file in the form of [DefaultAllowFile]. It counts only
// when it and every folder above it belong to root and nobody else can write
// there, without symbolic links (security.md 13). No file allows nobody.
func ReadAllowFile(path string) ([]Allowed, error) {
	raw, err := rootfile.System.Read(path, maxAllowFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use %s: %w", path, err)
	}
	list, err := parseAllowed(raw)
	if err != nil {
		return nil, fmt.Errorf("cannot use %s: %w", path, err)
	}
	return list, nil
}

func parseAllowed(raw []byte) ([]Allowed, error) {
	var file struct {
		Version      int `json:"version"`
		Implementers []struct {
			Name string  `json:"name"`
			UID  *uint32 `json:"uid"` // a missing uid is not root
		} `json:"implementers"`
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the end")
	}
	if file.Version != 1 {
		return nil, fmt.Errorf("version %d is not known, only 1", file.Version)
	}
	list := make([]Allowed, 0, len(file.Implementers))
	for i, e := range file.Implementers {
		if !validName(e.Name) || e.UID == nil {
			return nil, fmt.Errorf("entry %d needs a name that begins with %s and a uid", i+1, Prefix)
		}
		list = append(list, Allowed{e.Name, *e.UID})
	}
	return list, nil
}
