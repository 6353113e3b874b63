package report

// Why says of a figure why it misses its bar, for people; it is shown only
// where it does. The keys are names of figures.
var Why = map[string]string{
	"initial, 2,000 photos: beside rsync -a + sync": photosWhy,
	"initial, 2,000 photos: beside cp -a + sync":    photosWhy,
	"initial, 2,000 photos: beside restic backup":   photosWhy,
	"read back cold, 2,000 photos: beside restic check --read-data": "Of 1.1 s of processor time 0.9 are sha256 of the original bytes; " +
		"the rest is reading them from the disk, which both do.",
	"initial, 100,000 small files: beside restic backup": inodesWhy,
	"initial, 100,000 small files: beside borg create":   inodesWhy,
	"read back cold, 2,000 photos: beside rsync -ac": "rsync's own sums take 0.2 s of processor time, our sha256 and the look into each picture 0.9; " +
		"both wait for 1.6 GB from the disk, and are even within the noise.",
	"no change, 100,000 small files: beside rsync -a":                      againWhy,
	"no change, 1,000,000 small files: beside rsync -a":                    againWhy,
	"read back cold, 100,000 small files: beside restic check --read-data": packsWhy,
	"read back cold, 100,000 small files: beside borg check --verify-data": packsWhy,
	"daemon idle with 10,000 watched folders, resident": "About 18 MB of it (RssFile) are pages of the program's own file, which the system takes back at will. " +
		"A folder costs 360 bytes, nearly half of them fsnotify's: 3.6 MB in all. Reading the notes, photos and contacts of a copy touches the program nearly everywhere, " +
		"so that only a smaller one would do: what writes the copy's pages, in a program of its own.",
	"status call under 100 clients at 10,000 calls a second, p99": "Two cores carry the agent and its clients. " +
		"Calls that are due and not yet answered wait, and the wait counts.",
	"status call under 100 clients: calls a second missing of 10,000": "As above: the processor is what there is least of.",
}

const (
	photosWhy = "It takes 1.4 s of processor time, 0.8 of them sha256 and the rest nearly all the kernel's, and 0.15 of the kernel's threads: " +
		"0.76 s on two cores of which neither ever waits. cp and rsync hash nothing: cp took 0.88 and 0.95 s in two quiet runs, rsync 2.0 and 2.1, " +
		"so that the bars lay at 0.70 to 0.76 and 0.89 to 0.95. It is not the disk, which takes as many bytes in 0.25 to 0.3 s from four writers."
	inodesWhy = "restic and borg put 100,000 files into a few packs and make no inode for each. That is where our time goes, and rsync's and cp's: " +
		"52 of 63 µs of processor time a file are the kernel's, and 14 more its threads'. By perf a third is the renaming into place, a quarter the creating."
	againWhy = "Looking at every file and at every copy is two calls of newfstatat a file: half of our 5 µs of processor time a file, " +
		"and as many calls as rsync makes in 3.6 µs in all. A quarter is the ledger and the lists of the copy, which are checked at each opening. " +
		"Without the look at the copies (row \"the copies trusted\") it takes 2.0 µs by the clock in place of 3.3."
	packsWhy = "Every file is opened and a block of each is read: 17 µs of processor time a file, 7 of them the kernel's opening of an inode that is not in memory. " +
		"A store of packs has the same content in a handful of files (restic: 4 files, 46 MB), which nobody can look at without it."
)
