package beside

import (
	"encoding/json"
	"fmt"
	"path/filepath"
)

// Task is what is measured.
type Task string

// The tasks.
const (
	Initial Task = "initial"   // the first copy, durable
	Again   Task = "no change" // the same once more, nothing having changed; warm
	Verify  Task = "read back" // every byte, cold
)

// step is one thing that a tool is measured at.
type step struct {
	task  Task
	label string // how the tool is called in figures
	make  func(*trial) []command
}

// tool is one of those that are measured.
type tool struct {
	name    string
	program string   // looked for in PATH; empty: ours
	version []string // its arguments
	debian  string   // the package that has it
	setup   func(*trial) []command
	steps   []step
	// plain: the copy is a folder of files; where it is.
	plain string
}

// trial is one tool's turn on one corpus.
type trial struct {
	from  string // the source's folder
	at    string // the volume's
	files int
	bin   string
}

// Ours is how Clearance is called in figures.
const Ours = "clearance"

// durable is what a tool that leaves its copy in memory is followed by.
func (t *trial) durable() command { return command{args: []string{"sync", "-f", t.at}} }

func (t *trial) within(name string) string { return filepath.Join(t.at, name) }

// run is a tool's command as it stands.
func run(args ...string) command { return command{args: args} }

var tools = []tool{clearance, cp, rsync, rclone, restic, borg}

var clearance = tool{
	name: Ours, plain: "bag/data/photos",
	steps: []step{
		{Initial, Ours, func(t *trial) []command { return t.copy("Copied") }},
		{Again, Ours, func(t *trial) []command { return t.copy("Unchanged") }},
		{Again, Ours + ", the copies trusted", func(t *trial) []command { return t.copy("Unchanged", "-trust-copies") }},
		{Verify, Ours, func(t *trial) []command { return []command{t.engine("Verified", "verify", t.at)} }},
		{Verify, "sha256sum -c", func(t *trial) []command {
			return []command{{dir: t.within("bag"), args: []string{"sha256sum", "-c", "--quiet", "--strict", "manifest-sha256.txt"}}}
		}},
	},
}

func (t *trial) copy(all string, flags ...string) []command {
	return []command{t.engine(all, append(flags, "copy", t.from, t.at)...)}
}

// engine runs Clearance's engine; every file must then be counted as all says.
func (t *trial) engine(all string, args ...string) command {
	return command{
		args: append([]string{filepath.Join(t.bin, "engine")}, args...),
		check: func(out []byte) (int64, error) {
			var done map[string]int64
			if err := json.Unmarshal(out, &done); err != nil {
				return 0, err
			}
			if done[all] != int64(t.files) || done["Listed"] != int64(t.files) || done["Failed"] != 0 {
				return 0, fmt.Errorf("it counts %v, want %d files %s", done, t.files, all)
			}
			return done["PeakKB"], nil
		},
	}
}

var cp = tool{
	name: "cp -a", program: "cp", version: []string{"--version"}, debian: "coreutils", plain: "copy",
	steps: []step{
		{Initial, "cp -a + sync", func(t *trial) []command { return []command{run("cp", "-a", t.from, t.within("copy")), t.durable()} }},
	},
}

var rsync = tool{
	name: "rsync", program: "rsync", version: []string{"--version"}, debian: "rsync", plain: "copy",
	steps: []step{
		{Initial, "rsync -a + sync", func(t *trial) []command { return t.rsync("-a") }},
		{Again, "rsync -a", func(t *trial) []command { return t.rsync("-a") }},
		{Verify, "rsync -ac", func(t *trial) []command { return t.rsync("-ac") }},
	},
}

func (t *trial) rsync(how string) []command {
	return []command{run("rsync", how, t.from+"/", t.within("copy")+"/"), t.durable()}
}

var rclone = tool{
	name: "rclone", program: "rclone", version: []string{"version"}, debian: "rclone", plain: "copy",
	steps: []step{
		{Initial, "rclone copy + sync", (*trial).rclone},
		{Again, "rclone copy", (*trial).rclone},
		{Verify, "rclone check", func(t *trial) []command {
			return []command{run("rclone", "check", "--config", "/dev/null", t.from, t.within("copy"))}
		}},
	},
}

func (t *trial) rclone() []command {
	return []command{run("rclone", "copy", "--config", "/dev/null", t.from, t.within("copy")), t.durable()}
}

var restic = tool{
	name: "restic", program: "restic", version: []string{"version"}, debian: "restic",
	setup: func(t *trial) []command { return []command{run("restic", "init", "-q", "-r", t.within("repo"))} },
	steps: []step{
		{Initial, "restic backup", (*trial).restic},
		{Again, "restic backup", (*trial).restic},
		{Verify, "restic check --read-data", func(t *trial) []command {
			return []command{run("restic", "check", "-q", "--read-data", "-r", t.within("repo"))}
		}},
	},
}

func (t *trial) restic() []command {
	return []command{run("restic", "backup", "-q", "-r", t.within("repo"), t.from), t.durable()}
}

var borg = tool{
	name: "borg", program: "borg", version: []string{"--version"}, debian: "borgbackup",
	setup: func(t *trial) []command {
		return []command{run("borg", "init", "--encryption", "none", t.within("repo"))}
	},
	steps: []step{
		{Initial, "borg create", func(t *trial) []command { return t.borg("first") }},
		{Again, "borg create", func(t *trial) []command { return t.borg("second") }},
		{Verify, "borg check --verify-data", func(t *trial) []command {
			return []command{run("borg", "check", "--verify-data", t.within("repo"))}
		}},
	},
}

func (t *trial) borg(archive string) []command {
	return []command{run("borg", "create", t.within("repo")+"::"+archive, t.from), t.durable()}
}

// environment keeps the tools to their volume and from asking.
func (t *trial) environment() []string {
	return []string{
		"LC_ALL=C.UTF-8",
		"RESTIC_PASSWORD=bench", "RESTIC_CACHE_DIR=" + t.within("cache"),
		"BORG_BASE_DIR=" + t.within("borg"), "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes", "BORG_RELOCATED_REPO_ACCESS_IS_OK=yes",
	}
}
