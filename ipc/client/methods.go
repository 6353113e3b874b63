package client

import (
	"context"
	"time"

	"github.com/clearance-project/clearance/agent"
	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/ipc/api"
)

// Version is the version of the running agent.
func (c *Client) Version(ctx context.Context) (string, error) {
	answer, err := call[api.VersionAnswer](ctx, c, api.Version, "", "", nil)
	return answer.Version, err
}

// Providers lists the catalogue.
func (c *Client) Providers(ctx context.Context) ([]agent.ProviderInfo, error) {
	answer, err := call[api.ProvidersAnswer](ctx, c, api.ListProviders, "", "", nil)
	return answer.Providers, err
}

// Doctor is the state of the agent's own parts.
func (c *Client) Doctor(ctx context.Context) (agent.DoctorReport, error) {
	return call[agent.DoctorReport](ctx, c, api.Doctor, "", "", nil)
}

// PublicKeys is the JSON Web Key Set that permits are checked with.
func (c *Client) PublicKeys(ctx context.Context) ([]byte, error) {
	return call[api.KeysAnswer](ctx, c, api.PublicKeys, "", "", nil)
}

// Accounts lists the caller's accounts.
func (c *Client) Accounts(ctx context.Context) (agent.AccountList, error) {
	return call[api.AccountsAnswer](ctx, c, api.ListAccounts, "", "", nil)
}

// AddAccount names an account that is not on this device.
func (c *Client) AddAccount(ctx context.Context, provider, identity string) (agent.AccountInfo, error) {
	return call[agent.AccountInfo](ctx, c, api.AddAccount, "", "", api.AddAccountRequest{Provider: provider, Identity: identity})
}

// AddSource names a folder or file that holds data of an account.
func (c *Client) AddSource(ctx context.Context, account string, dataset departure.Dataset, path string) (agent.AccountInfo, error) {
	return call[agent.AccountInfo](ctx, c, api.AddSource, account, "", api.AddSourceRequest{Dataset: dataset, Path: path})
}

// RemoveSource takes a named source back.
func (c *Client) RemoveSource(ctx context.Context, account string, source departure.SourceID) (agent.AccountInfo, error) {
	return call[agent.AccountInfo](ctx, c, api.RemoveSource, account, string(source), nil)
}

// Credential hands over the account's password, for the worker's memory alone.
func (c *Client) Credential(ctx context.Context, account, password string) error {
	_, err := call[api.Nothing](ctx, c, api.Credential, account, "", api.CredentialRequest{Password: password})
	return err
}

// Plan starts the job that says what would be lost.
func (c *Client) Plan(ctx context.Context, account string) (agent.JobInfo, error) {
	return call[agent.JobInfo](ctx, c, api.Plan, account, "", nil)
}

// StartDeparture opens a departure, or raises the open one.
func (c *Client) StartDeparture(ctx context.Context, req agent.StartRequest) (agent.DepartureInfo, error) {
	return call[agent.DepartureInfo](ctx, c, api.StartDeparture, "", "", req)
}

// Departures is one page of the caller's departures.
func (c *Client) Departures(ctx context.Context, page agent.Page) (agent.DeparturePage, error) {
	return call[agent.DeparturePage](ctx, c, api.ListDepartures, "", "", page)
}

// Departure is one departure as it is now.
func (c *Client) Departure(ctx context.Context, id string) (agent.DepartureInfo, error) {
	return call[agent.DepartureInfo](ctx, c, api.GetDeparture, id, "", nil)
}

// Items is one page of what was copied, or could not be.
func (c *Client) Items(ctx context.Context, id string, filter engine.ItemFilter) (engine.ItemPage, error) {
	return call[engine.ItemPage](ctx, c, api.Items, id, "", filter)
}

// Run starts the job that goes on with a departure; an empty step goes as far
// as possible.
func (c *Client) Run(ctx context.Context, id string, until departure.Step) (agent.JobInfo, error) {
	return call[agent.JobInfo](ctx, c, api.Run, id, "", api.RunRequest{Until: until})
}

// SetDestination says where the copy goes.
func (c *Client) SetDestination(ctx context.Context, id, folder string) (agent.DepartureInfo, error) {
	return call[agent.DepartureInfo](ctx, c, api.SetDestination, id, "", api.DestinationRequest{Folder: folder})
}

// Disks lists the disks that a person can plug in and out.
func (c *Client) Disks(ctx context.Context) ([]agent.Disk, error) {
	answer, err := call[api.DisksAnswer](ctx, c, api.ListDisks, "", "", api.Nothing{})
	return answer.Disks, err
}

// Eject starts the job that takes the disk of the copy away safely.
func (c *Client) Eject(ctx context.Context, id string) (agent.JobInfo, error) {
	return call[agent.JobInfo](ctx, c, api.Eject, id, "", api.Nothing{})
}

// AttestDevice says what became of a linked device; an empty ID adds one.
func (c *Client) AttestDevice(ctx context.Context, id string, device departure.Device) (agent.DepartureInfo, error) {
	return call[agent.DepartureInfo](ctx, c, api.AttestDevice, id, "", device)
}

// AtOwnRiskList is what would be lost, with the digest to repeat.
func (c *Client) AtOwnRiskList(ctx context.Context, id string) ([]departure.Line, departure.Digest, error) {
	answer, err := call[api.AtOwnRiskListAnswer](ctx, c, api.AtOwnRiskList, id, "", nil)
	return answer.Lines, answer.List, err
}

// AtOwnRisk signs the list that was shown. It is no permit.
func (c *Client) AtOwnRisk(ctx context.Context, id string, list departure.Digest) (string, error) {
	answer, err := call[api.AtOwnRiskAnswer](ctx, c, api.AtOwnRisk, id, "", api.AtOwnRiskRequest{List: list})
	return answer.Signed, err
}

// Say is a person's word about one check.
func (c *Client) Say(ctx context.Context, id string, word agent.WordRequest) (agent.DepartureInfo, error) {
	return call[agent.DepartureInfo](ctx, c, api.Acknowledge, id, "", word)
}

// Authorize is the owner's leave for the effects named.
func (c *Client) Authorize(ctx context.Context, id string, req agent.AuthorizeRequest) (agent.DepartureInfo, error) {
	return call[agent.DepartureInfo](ctx, c, api.Authorize, id, "", req)
}

// RequestPermit starts the job that issues a permit.
func (c *Client) RequestPermit(ctx context.Context, id, nonce, audience string) (agent.JobInfo, error) {
	return call[agent.JobInfo](ctx, c, api.RequestPermit, id, "", api.PermitRequest{Nonce: nonce, Audience: audience})
}

// Redeem starts the job that burns a permit after a fresh look.
func (c *Client) Redeem(ctx context.Context, permit, nonce string) (agent.JobInfo, error) {
	return call[agent.JobInfo](ctx, c, api.Redeem, permit, "", api.RedeemRequest{Nonce: nonce})
}

// Submitted says when the deletion was submitted.
func (c *Client) Submitted(ctx context.Context, id string, when time.Time) (agent.DepartureInfo, error) {
	return call[agent.DepartureInfo](ctx, c, api.Submitted, id, "", api.SubmissionRequest{When: when})
}

// Cancel gives a departure up; the copy stays.
func (c *Client) Cancel(ctx context.Context, id string, notSubmitted bool, proof string) (agent.DepartureInfo, error) {
	return call[agent.DepartureInfo](ctx, c, api.Cancel, id, "", api.CancelRequest{NotSubmitted: notSubmitted, Proof: proof})
}

// Restore starts the job that brings items of a copy back, foretells that, or
// drills it.
func (c *Client) Restore(ctx context.Context, req agent.RestoreRequest) (agent.JobInfo, error) {
	return call[agent.JobInfo](ctx, c, api.Restore, "", "", req)
}

// Job reads a job again.
func (c *Client) Job(ctx context.Context, id string) (agent.JobInfo, error) {
	return call[agent.JobInfo](ctx, c, api.GetJob, id, "", nil)
}

// CancelJob stops a job.
func (c *Client) CancelJob(ctx context.Context, id string) (agent.JobInfo, error) {
	return call[agent.JobInfo](ctx, c, api.CancelJob, id, "", nil)
}
