package git

import (
	"github.com/bittrance/kitops/poller/git/disk"
)

// Config is what flags and variables say about Git. It is the default of tasks
// that name no key.
type Config struct {
	SSHKeyFile string    `env:"SSH_KEY_FILE" usage:"private key for ssh repositories (default: the ssh agent and ~/.ssh/config)" value:"FILE"`
	MaxSize    disk.Size `env:"MAX_REPO_SIZE" usage:"what a repository may send, and the files of a revision may have, before it is refused, and one object for each 512 bytes of that" value:"SIZE"`
}
