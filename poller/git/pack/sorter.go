package pack

import (
	"bufio"
	"bytes"
	"container/heap"
	"io"
	"slices"
)

const mergeBuffer = 16 << 10 // bytes of each run

// sorter orders records of one size by their bytes. More of them than the pages
// of a scratch would hold go to its file in sorted runs.
type sorter struct {
	scratch *Scratch
	size    int // bytes of a record
	held    []byte
	runs    []*sortedRun
}

// sortedRun is some records in order. Its first one is at hand.
type sortedRun struct {
	record []byte
	rest   io.Reader
}

// newSorter is for count records, if that is known.
func newSorter(s *Scratch, size, count int) *sorter {
	return &sorter{scratch: s, size: size, held: make([]byte, 0, min(count*size, s.limit*pageBytes))}
}

// add copies a record.
func (s *sorter) add(record []byte) error {
	if s.scratch.dir != "" && len(s.held)+s.size > s.scratch.limit*pageBytes {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.held = append(s.held, record...)
	return nil
}

// order is where the records in memory begin.
func (s *sorter) order() []int32 {
	order := make([]int32, len(s.held)/s.size)
	for i := range order {
		order[i] = int32(i * s.size)
	}
	slices.SortFunc(order, func(a, b int32) int { return bytes.Compare(s.held[a:][:s.size], s.held[b:][:s.size]) })
	return order
}

// spill makes a run of what is in memory.
func (s *sorter) spill() error {
	at, err := s.scratch.extend(int64(len(s.held)))
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(io.NewOffsetWriter(s.scratch.file, at), pageBytes)
	for _, i := range s.order() {
		_, _ = out.Write(s.held[i:][:s.size]) // Flush says it
	}
	s.runs = append(s.runs, &sortedRun{rest: bufio.NewReaderSize(io.NewSectionReader(s.scratch.file, at, int64(len(s.held))), mergeBuffer)})
	s.held = s.held[:0]
	return out.Flush()
}

// each has take see all records in order. They are its own until it returns.
func (s *sorter) each(take func(record []byte)) error {
	if len(s.runs) == 0 {
		for _, i := range s.order() {
			take(s.held[i:][:s.size])
		}
		return nil
	}
	if len(s.held) > 0 {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.held = nil
	runs := mergedRuns(s.runs)
	for _, run := range runs {
		run.record = make([]byte, s.size)
		if _, err := io.ReadFull(run.rest, run.record); err != nil {
			return err
		}
	}
	for heap.Init(&runs); len(runs) > 0; {
		take(runs[0].record)
		switch _, err := io.ReadFull(runs[0].rest, runs[0].record); err {
		case nil:
			heap.Fix(&runs, 0)
		case io.EOF:
			heap.Pop(&runs)
		default:
			return err
		}
	}
	return nil
}

// mergedRuns has the run with the least record first, heap.Interface.
type mergedRuns []*sortedRun

func (m mergedRuns) Len() int           { return len(m) }
func (m mergedRuns) Less(i, j int) bool { return bytes.Compare(m[i].record, m[j].record) < 0 }
func (m mergedRuns) Swap(i, j int)      { m[i], m[j] = m[j], m[i] }
func (m *mergedRuns) Push(any)          {} // runs only end

func (m *mergedRuns) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}
