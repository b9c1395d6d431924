package pack

// records is a list of records of one size. What at and edit return is good
// for a few further calls on lists of the same scratch only.
type records struct {
	scratch *Scratch
	size    int // bytes of a record
	count   int
	pages   []*page
}

func (r *records) perPage() int { return pageBytes / r.size }

// add appends a record, which is to be filled in.
func (r *records) add() (record []byte, of *page) {
	if r.count%r.perPage() == 0 {
		r.pages = append(r.pages, &page{})
	}
	r.count++
	return r.edit(r.count - 1), r.pages[len(r.pages)-1]
}

// at is a record, to be read.
func (r *records) at(i int) []byte {
	data := r.scratch.touch(r.pages[i/r.perPage()])
	return data[i%r.perPage()*r.size:][:r.size:r.size]
}

// edit is a record, to be changed.
func (r *records) edit(i int) []byte {
	r.pages[i/r.perPage()].changed = true
	return r.at(i)
}
