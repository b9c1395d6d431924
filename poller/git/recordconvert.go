package git

import "encoding/binary"

const (
	recordConversions = "KCNV" // numbers of files, and how each of them was converted
	perConversion     = 4 + 1  // bytes
)

// conversions are those of the files among the entries, for a record.
func conversions(entries []indexEntry) []byte {
	var all []byte
	file := uint32(0)
	for _, e := range entries {
		if e.mode == modeSubmodule {
			continue
		}
		if e.convert != 0 {
			all = append(binary.BigEndian.AppendUint32(all, file), byte(e.convert))
		}
		file++
	}
	return all
}

// knowConversions notes how files were written. Of one for which that cannot be
// read nothing is known.
func (r *record) knowConversions(extras []indexExtra) bool {
	for _, extra := range extras {
		if extra.name != recordConversions {
			continue
		}
		if len(extra.data)%perConversion != 0 {
			r.forget()
			return false
		}
		for b := extra.data; len(b) > 0; b = b[perConversion:] {
			file := binary.BigEndian.Uint32(b)
			if int64(file) >= int64(len(r.plan.files)) {
				r.forget()
				return false
			}
			r.plan.files[file].convert = convert(b[4])
		}
		return true
	}
	r.forget()
	return false
}

// forget trusts nothing any more.
func (r *record) forget() { clear(r.found) }
