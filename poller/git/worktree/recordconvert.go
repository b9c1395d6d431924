package worktree

import (
	"encoding/binary"

	"github.com/bittrance/kitops/poller/git/convert"
	"github.com/bittrance/kitops/poller/git/index"
	"github.com/bittrance/kitops/poller/git/object"
)

const (
	recordConversions = "KCNV" // numbers of files, and how each of them was converted
	perConversion     = 4 + 1  // bytes
)

// conversions are those of the files among the entries, for a record.
func conversions(entries []index.Entry) []byte {
	var all []byte
	file := uint32(0)
	for _, e := range entries {
		if e.Mode == object.ModeSubmodule {
			continue
		}
		if e.Convert != 0 {
			all = append(binary.BigEndian.AppendUint32(all, file), e.Convert)
		}
		file++
	}
	return all
}

// knowConversions notes how files were written. Of one for which that cannot be
// read nothing is known.
func (r *Record) knowConversions(extras []index.Extra) bool {
	for _, extra := range extras {
		if extra.Name != recordConversions {
			continue
		}
		if len(extra.Data)%perConversion != 0 {
			r.forget()
			return false
		}
		for b := extra.Data; len(b) > 0; b = b[perConversion:] {
			file := binary.BigEndian.Uint32(b)
			if int64(file) >= int64(len(r.plan.Files)) {
				r.forget()
				return false
			}
			r.plan.Files[file].Convert = convert.Conversion(b[4])
		}
		return true
	}
	r.forget()
	return false
}

// forget trusts nothing any more.
func (r *Record) forget() { clear(r.found) }
