variables {
  url             = "redis://redis.example.org:6379"
  password_hashes = { processor = sha256("a"), pusher = sha256("b"), monitor = sha256("c") }
}

run "the_default_user_is_off" {
  command = plan
  assert {
    condition     = startswith(output.acl_file, "user default off ")
    error_message = "no anonymous user"
  }
  assert {
    condition     = strcontains(output.acl_file, "user processor on #${sha256("a")} ~fanet:* ")
    error_message = "a user has the hash of its password and the keys of the project alone"
  }
  assert {
    condition     = !strcontains(output.acl_file, "+@all") && !strcontains(output.acl_file, "allkeys")
    error_message = "no user may everything"
  }
  assert {
    condition     = output.urls["pusher"] == "redis://pusher:PASSWORD@redis.example.org:6379"
    error_message = "the URL names the user"
  }
}

run "passwords_in_the_url_are_refused" {
  command = plan
  variables {
    url = "redis://user:secret@redis.example.org:6379"
  }
  expect_failures = [var.url]
}

run "a_password_is_no_hash" {
  command = plan
  variables {
    password_hashes = { processor = "secret", pusher = sha256("b"), monitor = sha256("c") }
  }
  expect_failures = [var.password_hashes]
}

run "shared_passwords_are_refused" {
  command = plan
  variables {
    password_hashes = { processor = sha256("a"), pusher = sha256("a"), monitor = sha256("c") }
  }
  expect_failures = [var.password_hashes]
}

run "nothing_is_evicted" {
  command = plan
  variables {
    max_memory_mb = 256
  }
  assert {
    condition     = strcontains(output.configuration, "maxmemory 256mb\n") && strcontains(output.configuration, "maxmemory-policy noeviction\n")
    error_message = "Redis refuses writes at its limit, and the programs refill it"
  }
}

run "too_little_memory_is_refused" {
  command = plan
  variables {
    max_memory_mb = 32
  }
  expect_failures = [var.max_memory_mb]
}
