Feature: Standard Post access tokens

  As Standard, but client ID and client secret travel in the form body
  (RFC 6749, section 2.3.1).

  Scenario: The client authenticates in the form body
    Given valid Standard Post credentials
    When I request an access token
    Then the request carried:
      | header Authorization | absent            |
      | form client_id       | its client_id     |
      | form client_secret   | its client_secret |
    And an access token is issued

  Scenario: Scopes are granted as requested
    Given valid Standard Post credentials
    When I request an access token for the scopes "api:read" and "api:write"
    Then an access token is issued
    And the granted scopes are "api:read" and "api:write"

  Scenario: A wrong client secret is refused
    Given Standard Post credentials with a wrong client secret
    When I request an access token
    Then the response status is 401
    And the error is "invalid_client"
    And no access token is issued

  Scenario: A client without its secret is refused
    Given Standard Post credentials with no client secret
    When I request an access token
    Then the response status is 401
    And the error is "invalid_client"
