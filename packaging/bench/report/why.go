package report

// Why says of a figure why it misses its bar, for people; it is shown only
// where it does. The keys are names of figures.
var Why = map[string]string{
	"daemon idle with 10,000 watched folders, resident": "About 16 MB of it are pages of the program's own file, which the system takes back at will; " +
		"the rest is what the agent keeps of 10,000 folders, and what is left of walking them.",
	"one new photo: in the copy, hashed, durable, and readiness updated, p50": "The photo is in the copy and durable in a fraction of that. " +
		"But a time stamp that is younger than 2 s does not prove that nothing was written after it: the photo is read a second time when it has rested for 2.1 s, and counts only then. Unknown is never ready.",
	"status call under 100 clients at 10,000 calls a second, p99": "Two cores carry the agent and its clients. Each answer reads the departure from the store and is several kilobytes of JSON. " +
		"Calls that are due and not yet answered wait, and the wait counts.",
	"status call under 100 clients: calls a second missing of 10,000": "As above: the processor is what there is least of.",
}
