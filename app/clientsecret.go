package app

import (
	"errors"
	"strings"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/secret"
)

// maxClientSecret bounds the file of a client secret, in bytes. GitHub's have 40.
const maxClientSecret = 4 << 10

// ReadClientSecret reads the client secret of an App from a file that has nothing else.
func ReadClientSecret(path string) (secret.Text, error) {
	data, err := files.ReadRegular(path, maxClientSecret)
	if err != nil {
		return secret.Text{}, err
	}
	text := strings.TrimSpace(string(data))
	if text == "" || strings.ContainsAny(text, " \t\r\n") {
		return secret.Text{}, errors.New("the file holds no client secret: one line, as GitHub shows it once")
	}
	return secret.New(text), nil
}
