package s3

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"

	"github.com/bittrance/kitops/poller/hosts"
	"github.com/bittrance/kitops/poller/store/bucket"
)

// Credentials come from the first of these that the environment speaks of: keys in variables, a profile in the shared files, the
// container agent (ECS, EKS Pod Identity), a web identity (IRSA), the instance's metadata service. No program is ever started for
// them. It may be used concurrently.
type Credentials struct {
	env    func(name string) string
	home   string
	client *http.Client

	mu     sync.Mutex
	source string
	cached *aws.CredentialsCache // of the three that are asked for by request
}

// NewCredentials reads nothing yet. The shared files are below home, unless variables say otherwise.
func NewCredentials(env func(name string) string, home string, client *http.Client) *Credentials {
	return &Credentials{env: env, home: home, client: client}
}

// Source says where the credentials come from, in words.
func (c *Credentials) Source() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.source == "" {
		return "nobody"
	}
	return c.source
}

// Forget has the next request ask for new ones.
func (c *Credentials) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cached = nil
}

// Retrieve implements [aws.CredentialsProvider]. Files are read each time: somebody may have replaced them.
func (c *Credentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if key, secret := c.env("AWS_ACCESS_KEY_ID"), c.env("AWS_SECRET_ACCESS_KEY"); key != "" && secret != "" {
		c.from("AWS_ACCESS_KEY_ID")
		return aws.Credentials{AccessKeyID: key, SecretAccessKey: secret, SessionToken: c.env("AWS_SESSION_TOKEN"), Source: "environment"}, nil
	}
	p, err := c.profile()
	if err != nil {
		return aws.Credentials{}, &bucket.CredentialsError{Source: c.from("profile " + c.profileName()), Err: err}
	}
	if p.keys.HasKeys() {
		c.from("profile " + c.profileName())
		return p.keys, nil
	}
	provider, source, err := c.asked()
	if err == nil {
		var keys aws.Credentials
		if keys, err = provider.Retrieve(ctx); err == nil {
			return keys, nil
		}
	}
	return aws.Credentials{}, &bucket.CredentialsError{Source: source, Err: err}
}

func (c *Credentials) from(source string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.source = source
	return source
}

// asked returns the provider that makes requests, the same until it is forgotten.
func (c *Credentials) asked() (*aws.CredentialsCache, string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cached != nil {
		return c.cached, c.source, nil
	}
	var (
		provider aws.CredentialsProvider
		err      error
	)
	switch full, relative := c.env("AWS_CONTAINER_CREDENTIALS_FULL_URI"), c.env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); {
	case relative != "":
		c.source = "the container agent"
		provider = c.container("http://169.254.170.2" + relative)
	case full != "":
		c.source = "the container agent"
		if err = mayBeAgent(full); err == nil {
			provider = c.container(full)
		}
	case c.env("AWS_WEB_IDENTITY_TOKEN_FILE") != "":
		c.source = "the web identity in AWS_WEB_IDENTITY_TOKEN_FILE"
		provider = webIdentity{c.env, c.client, c.Region()}
	case strings.EqualFold(c.env("AWS_EC2_METADATA_DISABLED"), "true"):
		c.source = "nobody"
		err = fmt.Errorf("there are none in variables and files, and AWS_EC2_METADATA_DISABLED is set")
	default:
		c.source = "the instance's role"
		provider = c.instance()
	}
	if err != nil {
		return nil, c.source, err
	}
	c.cached = aws.NewCredentialsCache(provider)
	return c.cached, c.source, nil
}

func (c *Credentials) container(endpoint string) aws.CredentialsProvider {
	return endpointcreds.New(endpoint, func(o *endpointcreds.Options) {
		o.HTTPClient, o.Retryer = c.client, aws.NopRetryer{}
		o.AuthorizationToken = c.env("AWS_CONTAINER_AUTHORIZATION_TOKEN")
		if file := c.env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
			o.AuthorizationTokenProvider = endpointcreds.TokenProviderFunc(func() (string, error) {
				token, err := os.ReadFile(file)
				return strings.TrimSpace(string(token)), err
			})
		}
	})
}

// mayBeAgent keeps the token from hosts that are neither this one nor the agents of ECS and EKS ("Container credential provider"
// in the reference of AWS SDKs).
func mayBeAgent(endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil {
		return err
	}
	switch host := u.Hostname(); {
	case u.Scheme == "https", hosts.Loopback(host), host == "169.254.170.2", host == "169.254.170.23", host == "fd00:ec2::23":
		return nil
	}
	return fmt.Errorf("AWS_CONTAINER_CREDENTIALS_FULL_URI is %s: neither https, nor on this host, nor an agent of ECS or EKS", u.Redacted())
}

func (c *Credentials) instance() aws.CredentialsProvider {
	client := imds.New(imds.Options{HTTPClient: c.client, Retryer: aws.NopRetryer{}, Endpoint: c.env("AWS_EC2_METADATA_SERVICE_ENDPOINT")})
	provider := ec2rolecreds.New(func(o *ec2rolecreds.Options) { o.Client = client })
	return aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		keys, err := provider.Retrieve(ctx)
		if err != nil {
			err = fmt.Errorf("%w; on EC2 give the instance a role, and in a container set the metadata service's hop limit to 2, or use --network host; elsewhere set AWS_ACCESS_KEY_ID or AWS_PROFILE", err)
		}
		return keys, err
	})
}

// Region is the one that the environment or the profile names, or empty.
func (c *Credentials) Region() string {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if region := c.env(name); region != "" {
			return region
		}
	}
	p, err := c.profile()
	if err != nil {
		return ""
	}
	return p.region
}

func (c *Credentials) profileName() string {
	for _, name := range []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE"} {
		if profile := c.env(name); profile != "" {
			return profile
		}
	}
	return "default"
}

// profile reads the shared files: the credentials file wins.
func (c *Credentials) profile() (profile, error) {
	read := func(variable, file string) (map[string]map[string]string, string, error) {
		path := c.env(variable)
		if path == "" {
			if c.home == "" {
				return nil, "", nil
			}
			path = filepath.Join(c.home, ".aws", file)
		}
		sections, err := readProfiles(path)
		return sections, path, err
	}
	name := c.profileName()
	config, _, err := read("AWS_CONFIG_FILE", "config")
	if err != nil {
		return profile{}, err
	}
	credentials, path, err := read("AWS_SHARED_CREDENTIALS_FILE", "credentials")
	if err != nil {
		return profile{}, err
	}
	values := map[string]string{}
	for _, section := range []map[string]string{config["profile "+name], credentials[name]} {
		for key, value := range section {
			values[key] = value
		}
	}
	if name == "default" {
		for key, value := range config[name] {
			if values[key] == "" {
				values[key] = value
			}
		}
	}
	if len(values) == 0 && name != "default" {
		return profile{}, fmt.Errorf("it is neither in %s nor in the config file beside it", path)
	}
	return profileOf(values)
}
