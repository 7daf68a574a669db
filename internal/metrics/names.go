package metrics

import "github.com/prometheus/client_golang/prometheus"

// The metrics. Names and labels do not change; docs/metrics.md lists them.
var (
	credentialStatus   = describe("credential_status", "Whether the credential stands so: 1 for exactly one status, 0 for the others.")
	credentialCause    = describe("credential_cause", "Always 1: why the last result of the credential is not passed.")
	credentialInfo     = describe("credential_info", "Always 1: whose credential it is, and for which environment of the provider.")
	credentialSince    = describe("credential_since_timestamp_seconds", "Time of the first check that found the credential as the last one did.")
	credentialChecked  = describe("credential_last_checked_timestamp_seconds", "Last time that a request was sent for the credential; absent if never.")
	credentialPassed   = describe("credential_last_success_timestamp_seconds", "Last time that the provider accepted the credential; absent if never.")
	credentialExpiry   = describe("credential_secret_expiry_timestamp_seconds", "When the secret ends, as the credentials file says; absent if it does not.")
	credentialLifetime = describe("credential_token_lifetime_seconds", "Lifetime of the last token, as the provider stated it; absent if it did not.")
	credentialDuration = describe("credential_check_duration_seconds", "How long the last check of the credential took; absent if it was not tried.")
	credentialLatency  = describe("credential_token_latency_seconds", "How long the provider took to issue the last token, or to answer the first call where there is none; absent if it was not tried.")
	credentialDrift    = describe("credential_contract_drift", "Scenarios of the last check in which the provider broke its contract.")
	credentialFlapping = describe("credential_flapping", "Whether the credential changed too often of late to be called either working or broken.")
	credentialRequests = describe("credential_requests", "Requests that the last check sent for the credential, token requests included.")

	providerState = describe("provider_state", "Whether the provider did so in the last run, by environment or base URL: 1 for exactly one state, 0 for the others.")

	runStarted     = describe("run_started_timestamp_seconds", "When the last run started.")
	runCompleted   = describe("run_completed_timestamp_seconds", "When the last run ended; absent if it was interrupted.")
	runDuration    = describe("run_duration_seconds", "How long the last run took.")
	runExitCode    = describe("run_exit_code", "Exit code that the results of the last run amount to.")
	runCredentials = describe("run_credentials", "Credentials of the last run, by how they ended.")
	runInterrupted = describe("run_interrupted", "Whether the last run was interrupted.")
	buildInfo      = describe("build_info", "Always 1: the version of authspec that ran last.")
)

// describe leaves the labels to the samples.
func describe(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("authspec_"+name, help, nil, nil)
}
