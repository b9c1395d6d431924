package app

import "github.com/bittrance/kitops/poller/secret"

// Config is what flags and variables say about the GitHub App. Its credentials
// are the default of tasks that name none.
type Config struct {
	AppID            string      `env:"GITHUB_APP_ID" usage:"GitHub App ID or client ID (default: the App that kitops setup stored; off: none)" value:"ID"`
	PrivateKeyFile   string      `env:"GITHUB_PRIVATE_KEY_FILE" usage:"the App's private key (PEM); or the PEM itself, also in base64, in KITOPS_GITHUB_PRIVATE_KEY" value:"FILE"`
	PrivateKey       secret.Text `env:"GITHUB_PRIVATE_KEY" flag:"-" secret:"true"`
	ClientSecretFile string      `env:"GITHUB_CLIENT_SECRET_FILE" usage:"the App's client secret: people log in to the page with GitHub" value:"FILE"`
	APIURL           string      `env:"GITHUB_API_URL" usage:"GitHub Enterprise Server: https://HOST/api/v3; GHE.com: https://api.TENANT.ghe.com" value:"URL"`
}
