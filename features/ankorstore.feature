Feature: Ankorstore access tokens

  Ankorstore issues access tokens by the OAuth 2.0 client credentials grant
  (RFC 6749, section 4.4), and its responses are what the RFC says. What to
  know before writing a client:

  - Create an application in the integrations area of your account; it has a
    client ID and a client secret. They travel in the form body.
  - The only scope that is documented is "*".
  - A token is a JWT and lives for an hour. After that every call answers
    401: request another token at the same endpoint. There is no refresh token.
  - Token requests are limited to 60 an hour: keep the token, do not request
    one for each call.
  - Send Accept: application/json. Without it a refused call may answer with
    a redirect to a login page.

  Documentation: https://ankorstore.github.io/api-docs/

  @health
  Scenario: Valid credentials receive a token
    Given valid Ankorstore credentials
    When I request an access token
    Then the response status is 200
    And the response header "Content-Type" is "application/json"
    And the response body has:
      | token_type    | "Bearer"           |
      | expires_in    | 3600               |
      | access_token  | a non-empty string |
      | refresh_token | absent             |
    And an access token is issued

  Scenario: The token request is a form with the client's credentials in its body
    Given valid Ankorstore credentials
    When I request an access token
    Then the request carried:
      | method               | "POST"                              |
      | path                 | "/oauth/token"                      |
      | header Accept        | "application/json"                  |
      | header Content-Type  | "application/x-www-form-urlencoded" |
      | header Authorization | absent                              |
      | form grant_type      | "client_credentials"                |
      | form client_id       | its client_id                       |
      | form client_secret   | its client_secret                   |
      | form scope           | "*"                                 |

  Scenario: The token is a JWT that lives for an hour
    Given valid Ankorstore credentials
    When I request an access token
    Then the access token is a JWT
    And the access token lives for 1 hour
    And the response body matches the schema "token"

  Scenario: A wrong client secret is refused
    Given Ankorstore credentials with a wrong client secret
    When I request an access token
    Then the response status is 401
    And the error is "invalid_client"
    And no access token is issued

  Scenario: An unknown client is refused
    Given Ankorstore credentials with an unknown client ID
    When I request an access token
    Then the response status is 401
    And the error is "invalid_client"
    And no access token is issued

  Scenario: A client without its secret is refused
    Given Ankorstore credentials with no client secret
    When I request an access token
    Then the response status is 401
    And the error is "invalid_client"
    And no access token is issued

  Scenario: Another grant type is refused
    Given valid Ankorstore credentials
    When I request an access token with grant type "urn:authspec:unsupported"
    Then the response status is 400
    And the error is "unsupported_grant_type"
    And no access token is issued

  Scenario: A request without a grant type is refused
    Given valid Ankorstore credentials
    When I request an access token without "grant_type"
    Then the response status is 400
    And the error is "unsupported_grant_type"
    And no access token is issued

  Scenario: An unknown scope is refused
    Ankorstore does not document what it answers.

    Given valid Ankorstore credentials
    When I request an access token with scope "nonsense"
    Then the response status is 400
    And the error is "invalid_scope"
    And no access token is issued

  @health
  Scenario: A token opens the account
    Given valid Ankorstore credentials
    When I call "me"
    Then the response status is 200
    And the response header "Content-Type" is "application/json"
    And the response body has:
      | data.type       | "user"            |
      | data.id         | a positive integer |
      | data.email      | an email address  |
      | data.first_name | a string          |
      | data.last_name  | a string          |
      | data.created_at | a date-time       |
      | data.updated_at | a date-time       |

  Scenario: A call carries the token as a bearer token
    Given valid Ankorstore credentials
    When I call "me"
    Then the request carried:
      | method               | "GET"              |
      | header Accept        | "application/json" |
      | header Authorization | its access token   |
      | query access_token   | absent             |

  Scenario: A call without a token is refused
    Given no Ankorstore access token
    When I call "me"
    Then the response status is 401
    And the response body has:
      | message | "Unauthenticated." |
      | data    | absent             |

  Scenario: An unknown token is refused
    Given an unknown Ankorstore access token
    When I call "me"
    Then the response status is 401

  Scenario: A malformed token is refused
    Given a malformed Ankorstore access token
    When I call "me"
    Then the response status is 401

  Scenario: An expired token is refused
    Given an expired Ankorstore access token
    When I call "me"
    Then the response status is 401
    And the response body has:
      | message | "Unauthenticated." |

  Scenario: A token serves many calls
    Given valid Ankorstore credentials
    When I call "me" 3 times
    Then the response status is 200
    And 1 access token was requested

  Scenario: After its hour a token is replaced by a new one
    Given valid Ankorstore credentials
    And an access token that has since expired
    When I call "me"
    Then the response status is 200
    And 2 access tokens were requested
