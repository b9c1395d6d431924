package object

// Names of files in a git directory, of gitrepository-layout(5).
const (
	PackedRefs = "packed-refs"
	Shallow    = "shallow"
	TmpPrefix  = "tmp_" // begins the names of files that are not complete yet
)
