package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
)

// session is one conversation with a remote's upload-pack: refs, then at most
// one pack. Everything in it ends when the context it was dialled with does. It
// is for one goroutine.
type session interface {
	refs(ctx context.Context) (io.ReadCloser, error)
	pack(ctx context.Context, request []byte) (io.ReadCloser, error)
	close()
}

// fetchPack gets one commit without its history, and indexes it below dir.
func fetchPack(ctx context.Context, s session, ad *advertisement, sha plumbing.Hash, dir string) error {
	if !ad.gives(sha) {
		return ErrMoved
	}
	request := newRequest(ad.caps, sha)
	var message strings.Builder
	if err := request.UploadRequest.Encode(&message); err != nil {
		return err
	}
	if err := pktline.NewEncoder(&message).EncodeString("done\n"); err != nil {
		return err
	}
	body, err := s.pack(ctx, []byte(message.String()))
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	response := packp.NewUploadPackResponse(request)
	if err := response.Decode(body); err != nil {
		if refused(err) {
			return ErrMoved
		}
		return fmt.Errorf("ask for the pack: %w", ctxErr(ctx, err))
	}
	var pack io.Reader = response
	switch {
	case request.Capabilities.Supports(capability.Sideband64k):
		pack = sideband.NewDemuxer(sideband.Sideband64k, response)
	case request.Capabilities.Supports(capability.Sideband):
		pack = sideband.NewDemuxer(sideband.Sideband, response)
	}
	if err := storePack(ctx, pack, dir); err != nil {
		return fmt.Errorf("fetch the pack: %w", ctxErr(ctx, err))
	}
	return nil
}

// newRequest uses what the server offers, multi_ack included: Azure DevOps
// serves nobody without it. A server that cannot cut the history sends it all.
func newRequest(offered *capability.List, sha plumbing.Hash) *packp.UploadPackRequest {
	request := packp.NewUploadPackRequestFromCapabilities(offered)
	request.Wants = []plumbing.Hash{sha}
	request.Capabilities.Delete(capability.ThinPack) // there is nothing yet that a thin pack could lean on
	if offered.Supports(capability.NoProgress) {
		_ = request.Capabilities.Set(capability.NoProgress) // fails for capabilities with arguments only
	}
	if offered.Supports(capability.Shallow) {
		_ = request.Capabilities.Set(capability.Shallow)
		request.Depth = packp.DepthCommits(1)
	}
	return request
}

// refused recognises the words of git and of JGit for a commit that is gone.
func refused(err error) bool {
	var line *pktline.ErrorLine
	return errors.As(err, &line) && (strings.Contains(line.Text, "not our ref") ||
		strings.Contains(line.Text, "want ") && strings.Contains(line.Text, "not valid"))
}

// storePack saves the pack first and indexes it then, so that no time is spent
// on a pack that ends early, and both halves can stop with the context.
func storePack(ctx context.Context, r io.Reader, dir string) error {
	dir = filepath.Join(dir, "objects", "pack")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	pack, err := os.Create(filepath.Join(dir, "incoming"))
	if err != nil {
		return err
	}
	defer func() { _ = pack.Close() }()
	if _, err := io.Copy(pack, r); err != nil {
		return err
	}
	if _, err := pack.Seek(0, io.SeekStart); err != nil {
		return err
	}
	var index idxfile.Writer
	parser, err := packfile.NewParser(packfile.NewScanner(pack), &index, stopper{ctx})
	if err != nil {
		return err
	}
	sum, err := parser.Parse()
	if err != nil {
		return fmt.Errorf("damaged or cut short: %w", err)
	}
	name := filepath.Join(dir, "pack-"+sum.String())
	if err := writeIndex(&index, name+".idx"); err != nil {
		return err
	}
	if err := pack.Close(); err != nil {
		return err
	}
	return os.Rename(pack.Name(), name+".pack")
}

func writeIndex(w *idxfile.Writer, name string) error {
	index, err := w.Index()
	if err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = idxfile.NewEncoder(f).Encode(index)
	return errors.Join(err, f.Close())
}

// stopper watches the parser of a pack and ends it with the context.
type stopper struct{ ctx context.Context }

func (s stopper) OnHeader(uint32) error { return s.ctx.Err() }

func (s stopper) OnInflatedObjectHeader(plumbing.ObjectType, int64, int64) error {
	return s.ctx.Err()
}

func (s stopper) OnInflatedObjectContent(plumbing.Hash, int64, uint32, []byte) error {
	return s.ctx.Err()
}

func (s stopper) OnFooter(plumbing.Hash) error { return s.ctx.Err() }
