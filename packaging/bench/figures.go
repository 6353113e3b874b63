package main

import (
	"fmt"

	"github.com/clearance-project/clearance/packaging/bench/beside"
	"github.com/clearance-project/clearance/packaging/bench/report"
)

// figure is one figure of the engine beside a peer, or of the engine alone.
type figure struct {
	what string // %s is the number of files
	bar  float64
	task beside.Task
	peer string // the label of the peer's step; empty: none
	make func(f *figure, rows []report.Row, files int) (report.Result, bool)
}

func (f *figure) name(files int) string { return fmt.Sprintf(f.what, thousands(files)) }

func (f *figure) of(rows []report.Row, files int) (report.Result, bool) {
	return f.make(f, rows, files)
}

// The bars are those of goals.md. Where it has none for a peer the bar is 1:
// not slower.
var photosFigures = []figure{
	wall("initial, %s photos: beside rsync -a + sync", beside.Initial, "rsync -a + sync", 0.45),
	wall("initial, %s photos: beside cp -a + sync", beside.Initial, "cp -a + sync", 0.8),
	wall("initial, %s photos: beside rclone copy + sync", beside.Initial, "rclone copy + sync", 1),
	wall("initial, %s photos: beside restic backup", beside.Initial, "restic backup", 0.2),
	wall("initial, %s photos: beside borg create", beside.Initial, "borg create", 1),
	wall("read back cold, %s photos: beside sha256sum -c", beside.Verify, "sha256sum -c", 0.7),
	wall("read back cold, %s photos: beside restic check --read-data", beside.Verify, "restic check --read-data", 0.4),
	wall("read back cold, %s photos: beside borg check --verify-data", beside.Verify, "borg check --verify-data", 1),
	wall("read back cold, %s photos: beside rclone check", beside.Verify, "rclone check", 1),
	wall("read back cold, %s photos: beside rsync -ac", beside.Verify, "rsync -ac", 1),
}

var smallFigures = []figure{
	wall("initial, %s small files: beside rsync -a + sync", beside.Initial, "rsync -a + sync", 1),
	wall("initial, %s small files: beside cp -a + sync", beside.Initial, "cp -a + sync", 1),
	wall("initial, %s small files: beside rclone copy + sync", beside.Initial, "rclone copy + sync", 1),
	wall("initial, %s small files: beside restic backup", beside.Initial, "restic backup", 1),
	wall("initial, %s small files: beside borg create", beside.Initial, "borg create", 1),
	wall("no change, %s small files: beside rsync -a", beside.Again, "rsync -a", 0.5),
	wall("no change, %s small files: beside rclone copy", beside.Again, "rclone copy", 1),
	wall("no change, %s small files: beside restic backup", beside.Again, "restic backup", 1),
	wall("no change, %s small files: beside borg create", beside.Again, "borg create", 1),
	wall("read back cold, %s small files: beside sha256sum -c", beside.Verify, "sha256sum -c", 0.7),
	wall("read back cold, %s small files: beside restic check --read-data", beside.Verify, "restic check --read-data", 0.4),
	wall("read back cold, %s small files: beside borg check --verify-data", beside.Verify, "borg check --verify-data", 1),
	wall("read back cold, %s small files: beside rclone check", beside.Verify, "rclone check", 1),
	wall("read back cold, %s small files: beside rsync -ac", beside.Verify, "rsync -ac", 1),
}

// The bar of the curve is 1, linear, and a fifth for the noise of two runs.
var millionFigures = []figure{
	wall("initial, %s small files: beside rsync -a + sync", beside.Initial, "rsync -a + sync", 1),
	wall("no change, %s small files: beside rsync -a", beside.Again, "rsync -a", 0.5),
	curve("initial: time a file at %s, beside a tenth of them", beside.Initial, 1.2),
	curve("no change: time a file at %s, beside a tenth of them", beside.Again, 1.2),
	memory("initial, %s small files: peak memory", beside.Initial, 100),
	memory("no change, %s small files: peak memory", beside.Again, 100),
}

var namesFigures = []figure{{
	what: "%s files with nasty names: not in the copy, byte for byte", task: beside.Initial,
	make: func(f *figure, rows []report.Row, files int) (report.Result, bool) {
		ours, ok := find(rows, f.task, beside.Ours, files)
		if !ok || ours.Lost == nil {
			return report.Result{}, false
		}
		return report.Alone(f.name(files), float64(*ours.Lost), f.bar, "files"), true
	},
}}

// wall is the time of a task beside that of a peer.
func wall(what string, task beside.Task, peer string, bar float64) figure {
	return figure{what: what, bar: bar, task: task, peer: peer, make: func(f *figure, rows []report.Row, files int) (report.Result, bool) {
		ours, ok := find(rows, f.task, beside.Ours, files)
		theirs, there := find(rows, f.task, f.peer, files)
		return report.Beside(f.name(files), ours.Wall, theirs.Wall, f.bar, "s"), ok && there
	}}
}

// curve is the time of a file among many beside that among a tenth as many.
func curve(what string, task beside.Task, bar float64) figure {
	return figure{what: what, bar: bar, task: task, make: func(f *figure, rows []report.Row, files int) (report.Result, bool) {
		many, ok := find(rows, f.task, beside.Ours, files)
		few, there := find(rows, f.task, beside.Ours, files/10)
		each := func(r report.Row) float64 { return 1e6 * r.Wall / float64(max(r.Files, 1)) }
		return report.Beside(f.name(files), each(many), each(few), f.bar, "µs"), ok && there
	}}
}

// memory is the peak of a task.
func memory(what string, task beside.Task, bar float64) figure {
	return figure{what: what, bar: bar, task: task, make: func(f *figure, rows []report.Row, files int) (report.Result, bool) {
		r, ok := find(rows, f.task, beside.Ours, files)
		return report.Alone(f.name(files), r.PeakMB, f.bar, "MB"), ok
	}}
}

func find(rows []report.Row, task beside.Task, label string, files int) (report.Row, bool) {
	for _, r := range rows {
		if r.Task == string(task) && r.Tool == label && r.Files == files {
			return r, true
		}
	}
	return report.Row{}, false
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
