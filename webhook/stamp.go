package webhook

import "os"

// stamp tells one content of a file from the next, as well as can be told without reading it.
type stamp struct{ info os.FileInfo } // nil: no file

func stampOf(file string) stamp {
	info, err := os.Stat(file)
	if err != nil {
		return stamp{}
	}
	return stamp{info}
}

// same also tells a file from the one it replaced, which may be as long and as old as the clock can tell.
func (s stamp) same(other stamp) bool {
	if s.info == nil || other.info == nil {
		return s.info == nil && other.info == nil
	}
	return s.info.ModTime().Equal(other.info.ModTime()) && s.info.Size() == other.info.Size() && os.SameFile(s.info, other.info)
}
