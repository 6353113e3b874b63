package report

// Why says of a figure why it misses its bar, for people; it is shown only
// where it does. The keys are names of figures.
var Why = map[string]string{}
