Feature: Gigastore access tokens

  Gigastore exchanges HTTP Basic credentials for an access token. It looks
  like OAuth 2.0 and is not. What to know before writing a client:

  - Client ID and client secret are found in the API section of the Gigastore
    portal. They are bound to a login, and so is the inventory.
  - POST them to /reseller/authenticate as Basic credentials (RFC 7617), as
    they are, without form encoding. There is no grant type and no body.
  - The response has names of its own: accessToken, expiresIn, tokenType.
    refreshToken and idToken are null: request a new token instead.
  - A token lives for a day. Errors are not documented.

  Documentation: https://docs.giga.store/api/api-authentification

  @health
  Scenario: Valid credentials receive a token
    Given valid Gigastore credentials
    When I request an access token
    Then the response status is 200
    And the response header "Content-Type" is "application/json"
    And the response body has:
      | accessToken      | a non-empty string |
      | expiresIn        | 86400              |
      | refreshToken     | null               |
      | refreshExpiresIn | 0                  |
      | tokenType        | "Bearer"           |
      | idToken          | null               |
    And an access token is issued

  Scenario: The token request is Basic credentials and nothing else
    Given valid Gigastore credentials
    When I request an access token
    Then the request carried:
      | method               | "POST"                    |
      | path                 | "/reseller/authenticate"  |
      | header Authorization | its Basic credentials     |
      | header Accept        | "application/json"        |
      | body                 | absent                    |

  Scenario: A token lives for a day
    Given valid Gigastore credentials
    When I request an access token
    Then the access token lives for 1 day

  Scenario: A wrong client secret is refused
    Given Gigastore credentials with a wrong client secret
    When I request an access token
    Then the response status is 401
    And the challenge is "Basic"
    And no access token is issued

  Scenario: An unknown client is refused
    Given Gigastore credentials with an unknown client ID
    When I request an access token
    Then the response status is 401
    And no access token is issued

  Scenario: A request without credentials is refused
    Given no Gigastore credentials
    When I request an access token
    Then the response status is 401
    And no access token is issued

  @health
  Scenario: A token opens the inventory
    Given valid Gigastore credentials
    When I call "inventory"
    Then the response status is 200
    And the response header "Content-Type" is "application/json"
    And the response body has:
      | items | an array |

  Scenario: A call carries the token as a bearer token
    Given valid Gigastore credentials
    When I call "inventory"
    Then the request carried:
      | method               | "GET"              |
      | header Accept        | "application/json" |
      | header Authorization | its access token   |

  Scenario: A call without a token is refused
    Given no Gigastore access token
    When I call "inventory"
    Then the response status is 401
    And the challenge is "Bearer"

  Scenario: An unknown token is refused
    Given an unknown Gigastore access token
    When I call "inventory"
    Then the response status is 401

  Scenario: A malformed token is refused
    Given a malformed Gigastore access token
    When I call "inventory"
    Then the response status is 401

  Scenario: An expired token is refused
    Given an expired Gigastore access token
    When I call "inventory"
    Then the response status is 401

  Scenario: A token serves many calls
    Given valid Gigastore credentials
    When I call "inventory" 2 times
    Then the response status is 200
    And 1 access token was requested

  Scenario: After its day a token is replaced by a new one
    Given valid Gigastore credentials
    And an access token that has since expired
    When I call "inventory"
    Then the response status is 200
    And 2 access tokens were requested
