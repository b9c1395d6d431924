package dumb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/pack"
)

// list reads which packs there are, with their indexes.
func (s *store) list(ctx context.Context) error {
	if s.listed {
		return nil
	}
	s.listed = true
	body, err := s.body(ctx, "objects/info/packs")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(body, maxPackList))
	_ = body.Close()
	if err != nil {
		return fmt.Errorf("objects/info/packs: %w", err)
	}
	name := regexp.MustCompile(`^P (pack-[0-9a-f]{40,64})\.pack$`)
	for line := range strings.Lines(string(text)) {
		found := name.FindStringSubmatch(strings.TrimSpace(line))
		if found == nil {
			continue
		}
		if len(s.packs) >= maxPacks {
			return fmt.Errorf("objects/info/packs: more than %d packs", maxPacks)
		}
		p := &remotePack{name: "objects/pack/" + found[1]}
		s.packs = append(s.packs, p)
		if err := s.fetchIndex(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (s *store) fetchIndex(ctx context.Context, p *remotePack) error {
	tmp, err := os.CreateTemp(s.Dir, object.TmpPrefix+"dumb_*.idx")
	if err != nil {
		return err
	}
	p.base = strings.TrimSuffix(tmp.Name(), ".idx")
	if err := errors.Join(s.save(ctx, p.name+".idx", tmp), tmp.Close()); err != nil {
		return err
	}
	p.idx, err = pack.OpenIndex(tmp.Name(), s.format)
	if _, damaged := errors.AsType[*object.Damage](err); damaged {
		return fmt.Errorf("%s.idx is damaged on the server", p.name)
	}
	return err
}

func (s *store) fetchPack(ctx context.Context, p *remotePack) error {
	if p.pack != nil {
		return nil
	}
	file, err := os.OpenFile(p.base+".pack", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(s.save(ctx, p.name+".pack", file), file.Close()); err != nil {
		return err
	}
	if p.pack, err = pack.Open(p.base, s.format); err != nil {
		return fmt.Errorf("%s.pack is damaged on the server, or was cut short", p.name)
	}
	return nil
}

func (s *store) save(ctx context.Context, path string, file *os.File) error {
	body, err := s.body(ctx, path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer func() { _ = body.Close() }()
	from := io.Reader(body)
	if s.Room != nil {
		from = s.Room(body)
	}
	_, err = io.Copy(file, from)
	return err
}
