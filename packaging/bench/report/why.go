package report

// Why says of a figure why it misses its bar, for people; it is shown only
// where it does. The keys are names of figures.
var Why = map[string]string{
	"initial, 2,000 photos: beside rsync -a + sync": photosWhy,
	"initial, 2,000 photos: beside cp -a + sync":    photosWhy,
	"initial, 2,000 photos: beside restic backup":   photosWhy,
	"read back cold, 2,000 photos: beside restic check --read-data": "Of 1.1 s of processor time 0.9 are sha256 of the original bytes; " +
		"the rest is reading them from the disk, which both do.",
	"initial, 100,000 small files: beside rsync -a + sync":    smallWhy,
	"initial, 100,000 small files: beside rclone copy + sync": coldWhy,
	"initial, 100,000 small files: beside borg create":        coldWhy,
	"initial, 100,000 small files: beside restic backup":      "restic writes four files in place of 100,000: it makes no inode, which is where our time goes.",
	"read back cold, 2,000 photos: beside rsync -ac": "rsync's own sums take 0.2 s of processor time, our sha256 and the look into each picture 0.9; " +
		"both wait for 1.6 GB from the disk, and are even within the noise.",
	"initial, 1,000,000 small files: beside rsync -a + sync": smallWhy,
	"no change, 100,000 small files: beside rsync -a":        againWhy,
	"no change, 1,000,000 small files: beside rsync -a":      againWhy,
	"initial, 1,000,000 small files: peak memory": "It is reached at the very end: before the lists are folded the collector went back to its usual pace, " +
		"though all that the listing held was garbage; until then it was 98 MB. It goes on to the end since, which was not measured with a million yet.",
	"read back cold, 100,000 small files: beside restic check --read-data": packsWhy,
	"read back cold, 100,000 small files: beside borg check --verify-data": packsWhy,
	"daemon idle, resident": "About 19 MB of it (RssFile) are pages of the program's own file, which the system takes back at will; " +
		"that file grew with the adapters of some twenty programs.",
	"daemon idle with 10,000 watched folders, resident": "About 18 MB of it (RssFile) are pages of the program's own file, which the system takes back at will. " +
		"A folder costs 360 bytes, nearly half of them fsnotify's: 3.6 MB in all. Reading the notes, photos and contacts of a copy touches the program nearly everywhere, " +
		"so that only a smaller one would do: what writes the copy's pages, in a program of its own.",
	"status call under 100 clients at 10,000 calls a second, p99": "Two cores carry the agent and its clients. " +
		"Calls that are due and not yet answered wait, and the wait counts.",
	"status call under 100 clients: calls a second missing of 10,000": "As above: the processor is what there is least of.",
}

const (
	photosWhy = "It takes 1.4 s of processor time, 0.8 of them sha256 and the rest nearly all the kernel's, and 0.15 of the kernel's threads: " +
		"0.76 s on two cores of which neither ever waits. In one quiet hour it took 0.88 s where cp took 0.85 and rsync 1.75, so that the bars were 0.68 and 0.79 s. " +
		"It is not the disk, which takes as many bytes in 0.25 to 0.3 s from four writers. cp and rsync hash nothing."
	coldWhy = "In this run the source had left the memory for whoever came after a trial of more than a minute, for this system pages out what nobody touches: " +
		"ours in four rounds of five, and cp in one (12.5 s in place of 5.9). Since then every file of it is read before each copy. With the source in memory ours took 5.3 to 5.6 s."
	smallWhy = "The file system takes the time: 60 µs of processor time a file here, 57 with rsync, and 14 of the kernel's threads with both. " +
		"By perf a third of ours is the renaming into place, a quarter the creating."
	againWhy = "Looking at every file and at every copy is two calls of newfstatat a file: half of our 4.9 µs of processor time a file, " +
		"and as many calls as rsync makes in 3.6 µs in all. A quarter is the ledger and the lists of the copy, which are checked at each opening. " +
		"Without the look at the copies (row \"the copies trusted\") it takes 1.9 µs by the clock in place of 3.0."
	packsWhy = "Every file is opened and a block of each is read: 17 µs of processor time a file, 7 of them the kernel's opening of an inode that is not in memory. " +
		"A store of packs has the same content in a handful of files (restic: 4 files, 46 MB), which nobody can look at without it."
)
