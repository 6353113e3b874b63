package detect

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The lists of what is installed: Debian's (deb-control in dpkg's status file,
// dpkg(1)), Arch's (one folder NAME-VERSION-RELEASE, alpm) and Alpine's (lines
// P:NAME, apk-installed(5)). RPM keeps its own in a database that is not read:
// there, services and files tell alone.
const (
	dpkgStatus   = "/var/lib/dpkg/status"
	pacmanLocal  = "/var/lib/pacman/local"
	apkInstalled = "/lib/apk/db/installed"
)

// debianArchs are the architectures that a package's own file may be named for,
// where it can be installed for several at once. Looking for each is a hundredth
// of the work of reading the folder.
var debianArchs = []string{"amd64", "arm64", "armhf", "armel", "i386", "mips64el", "ppc64el", "riscv64", "s390x"}

// maxList bounds what is read of a list of packages, in bytes.
const maxList = 256 << 20

// installed reports whether a package is installed by any of the package
// managers that this device has.
func (d *Detector) installed(name string) (bool, error) {
	var faults []error
	for _, look := range []func(string) (bool, error){d.debian, d.arch, d.alpine} {
		found, err := look(name)
		if found {
			return true, nil
		}
		faults = append(faults, err)
	}
	return false, errors.Join(faults...)
}

// debian knows a package by a file of its own, and asks for its status only where
// that is there: one that was removed may have left its configuration.
func (d *Detector) debian(name string) (bool, error) {
	files := []string{"/var/lib/dpkg/info/" + name + ".list"}
	for _, arch := range debianArchs {
		files = append(files, "/var/lib/dpkg/info/"+name+":"+arch+".list")
	}
	listed, err := d.first(files)
	if err != nil || listed == "" {
		return false, err
	}
	var in, installed bool
	err = d.lines(dpkgStatus, func(line string) {
		switch {
		case strings.HasPrefix(line, "Package: "):
			in = strings.TrimPrefix(line, "Package: ") == name
		case in && strings.HasPrefix(line, "Status: "):
			installed = installed || !strings.HasSuffix(line, " config-files") && !strings.HasSuffix(line, " not-installed")
		}
	})
	return installed, err
}

func (d *Detector) arch(name string) (bool, error) {
	found, err := filepath.Glob(filepath.Join(d.opts.Root, pacmanLocal, name+"-*-*"))
	for _, folder := range found {
		parts := strings.Split(filepath.Base(folder), "-")
		if strings.Join(parts[:len(parts)-2], "-") == name {
			return true, nil
		}
	}
	return false, err
}

func (d *Detector) alpine(name string) (installed bool, err error) {
	err = d.lines(apkInstalled, func(line string) { installed = installed || line == "P:"+name })
	return installed, err
}

// lines reads a text file that may not be there.
func (d *Detector) lines(path string, take func(string)) error {
	f, err := os.Open(filepath.Join(d.opts.Root, path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", path, reason(err))
	}
	scan := bufio.NewScanner(io.LimitReader(f, maxList))
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		take(scan.Text())
	}
	if err := errors.Join(scan.Err(), f.Close()); err != nil {
		return fmt.Errorf("%s cannot be read: %w", path, reason(err))
	}
	return nil
}
