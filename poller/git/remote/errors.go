package remote

import (
	"context"
	"errors"

	"github.com/bittrance/kitops/poller/secret"
)

var (
	// ErrEmpty says that the remote has no refs at all yet.
	ErrEmpty = errors.New("the repository is empty")
	// ErrMoved says that the remote no longer gives the revision asked for:
	// its branch was pushed over or deleted since the look.
	ErrMoved = errors.New("the remote no longer has this revision")
	// ErrUnfiltered says that the remote leaves nothing out, so that what it
	// sends may lean on blobs that are not here.
	ErrUnfiltered = errors.New("the remote leaves no blobs out any more")
	// ErrCredentials says that the remote did not take the credentials.
	ErrCredentials = errors.New("authentication refused: the credentials are wrong or have expired")
	// ErrHidden says that the remote knows no such repository, or none that
	// the credentials may read.
	ErrHidden = errors.New("repository not found, or hidden from these credentials")
	// ErrDenied says that the credentials may not read the repository.
	ErrDenied = errors.New("access denied: these credentials may not read the repository")
	// ErrUnavailable says that the server is out of order, perhaps for a moment.
	ErrUnavailable = errors.New("the server is out of order")
)

// outOfOrder is an answer that says so.
type outOfOrder struct{ status string }

func (e outOfOrder) Error() string        { return "the server answered " + e.status }
func (e outOfOrder) Is(target error) bool { return target == ErrUnavailable }

// Auth gives the credentials for a repository, named by its address without
// credentials. It is called once for each conversation and must be safe for
// concurrent use. What it gives is sent over https or to this host only.
type Auth func(ctx context.Context, url string) (user string, password secret.Text, err error)

// CtxErr is err, or why the context ended if it did: then err only says how
// that was noticed.
func CtxErr(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
