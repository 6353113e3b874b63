package report

// Why says of a figure why it misses its bar, for people; it is shown only
// where it does. The keys are names of figures.
var Why = map[string]string{
	"initial, 2,000 photos: beside rsync -a + sync":                 photosWhy,
	"initial, 2,000 photos: beside cp -a + sync":                    photosWhy,
	"initial, 2,000 photos: beside restic backup":                   photosWhy,
	"read back cold, 2,000 photos: beside restic check --read-data": "Reading is bound by the disk for both; ours reads the original bytes, restic what it could compress.",
	"daemon idle with 10,000 watched folders, resident": "About 16 MB of it are pages of the program's own file, which the system takes back at will; " +
		"the rest is what the agent keeps of 10,000 folders, and what is left of walking them.",
	"status call under 100 clients at 10,000 calls a second, p99": "Two cores carry the agent and its clients. " +
		"Calls that are due and not yet answered wait, and the wait counts.",
	"status call under 100 clients: calls a second missing of 10,000": "As above: the processor is what there is least of.",
}

const photosWhy = "The copy takes about 2.5 s of processor time (1.1 s of sha256, 1.4 s of the kernel's own copying), which is 1.2 s on two cores at best: " +
	"the quietest run took that. cp and rsync hash nothing, and the rounds shared the machine with some other work."
