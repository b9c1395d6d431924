package pack

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"os"

	"github.com/bittrance/kitops/poller/git/object"
)

// WriteIndex makes an index of what is in a pack, in a new file of a directory.
// An object that is twice in the pack is twice in the index, as git has it.
func WriteIndex(dir string, entries *Table, pack object.ID, fail Fail) (path string, err error) {
	file, err := os.CreateTemp(dir, object.TmpPrefix+"pack_*.idx")
	if err != nil {
		return "", err
	}
	err = fail.At("write", file.Name())
	if err == nil {
		err = writeIndex(file, entries, pack)
	}
	if err = errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(file.Name()) // it may be what filled the disk
		return "", err
	}
	return file.Name(), nil
}

// indexFile is what an index is written to: in several places, and read again
// for its checksum.
type indexFile interface {
	io.WriterAt
	io.ReaderAt
}

// indexParts are the parts of an index that grow together.
type indexParts struct{ names, crcs, offsets, far part }

type part struct {
	*bufio.Writer
	begin, size int64
}

func newPart(file indexFile, begin, size int64) part {
	return part{bufio.NewWriterSize(io.NewOffsetWriter(file, begin), int(min(size, 16<<10))), begin, size}
}

func writeIndex(file indexFile, entries *Table, pack object.ID) error {
	f, count := pack.Format(), int64(entries.Len())
	var p indexParts
	p.names = newPart(file, int64(indexNames), count*int64(f.Size()))
	p.crcs = newPart(file, p.names.begin+p.names.size, 4*count)
	p.offsets = newPart(file, p.crcs.begin+p.crcs.size, 4*count)
	p.far = newPart(file, p.offsets.begin+p.offsets.size, 8*count)
	byName, err := sortByName(entries)
	if err != nil {
		return err
	}
	var fanOut [256]uint32
	far := uint32(0)
	err = byName.each(func(record []byte) {
		fanOut[record[0]]++
		fields := record[f.Size()+4:]
		_, _ = p.names.Write(record[:f.Size()])
		_, _ = p.crcs.Write(fields[8:])
		offset := binary.BigEndian.Uint64(fields)
		near := uint32(offset)
		if offset >= farOffset {
			near = farOffset | far
			far++
			_, _ = p.far.Write(fields[:8])
		}
		_, _ = p.offsets.Write(binary.BigEndian.AppendUint32(p.offsets.AvailableBuffer(), near))
	})
	head := []byte(indexMagic)
	sum := uint32(0)
	for _, n := range fanOut {
		sum += n
		head = binary.BigEndian.AppendUint32(head, sum)
	}
	_, headErr := file.WriteAt(head, 0)
	err = errors.Join(err, headErr, p.names.Flush(), p.crcs.Flush(), p.offsets.Flush(), p.far.Flush(), entries.scratch.Err)
	if err != nil {
		return err
	}
	return endIndex(file, p.far.begin+8*int64(far), pack)
}

// endIndex writes the checksums.
func endIndex(file indexFile, end int64, pack object.ID) error {
	if _, err := file.WriteAt(pack.Bytes(), end); err != nil {
		return err
	}
	end += int64(pack.Size())
	h := pack.Format().New()
	if _, err := io.Copy(h, io.NewSectionReader(file, 0, end)); err != nil {
		return err
	}
	_, err := file.WriteAt(h.Sum(nil), end)
	return err
}

// sortByName makes records of entries: name, place in the pack's order, offset, checksum.
func sortByName(entries *Table) (*sorter, error) {
	size := entries.format.Size()
	s := newSorter(entries.scratch, size+16, entries.Len())
	record := make([]byte, size+16)
	for i := range entries.Len() {
		entry := entries.at(i)
		copy(record, entry[nameAt:])
		binary.BigEndian.PutUint32(record[size:], uint32(i))
		copy(record[size+4:], entry[:crcAt])
		copy(record[size+12:], entry[crcAt:kindAt])
		if err := s.add(record); err != nil {
			return nil, err
		}
	}
	return s, nil
}
