package main

import (
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/packaging/bench/beside"
	"github.com/clearance-project/clearance/packaging/bench/report"
)

// machine says where this runs.
func machine(p *beside.Place) (m report.Machine, err error) {
	m = report.Machine{Cores: runtime.NumCPU(), Go: runtime.Version(), Cold: p.Cold(), Tools: beside.Versions(), Files: p.Files()}
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return m, err
	}
	m.Kernel = unix.ByteSliceToString(name.Sysname[:]) + " " + unix.ByteSliceToString(name.Release[:])
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return m, err
	}
	m.MemoryGB = float64(info.Totalram) * float64(info.Unit) / 1e9
	cpus, err := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(cpus)) {
		if rest, ok := strings.CutPrefix(line, "model name"); ok {
			m.Model = strings.Trim(rest, " \t:\n")
			break
		}
	}
	return m, err
}

// load is the load average of one minute (proc_loadavg(5)): what else the
// machine was doing.
func load() (float64, error) {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(strings.Fields(string(text))[0], 64)
}
