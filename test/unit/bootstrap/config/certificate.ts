/** Of an authority that signs nothing, as who sets variables for a container may write it. */
export const CERTIFICATE = [
  "-----BEGIN CERTIFICATE-----",
  "MIIBfzCCASWgAwIBAgIUchs9FJ3FzEJRXVUZZAHPxbZhp4wwCgYIKoZIzj0EAwIw",
  "FDESMBAGA1UEAwwJYXV0aG9yaXR5MCAXDTI2MTEyOTE2MzAxMloYDzIxMjYxMTA1",
  "MTYzMDEyWjAUMRIwEAYDVQQDDAlhdXRob3JpdHkwWTATBgcqhkjOPQIBBggqhkjO",
  "PQMBBwNCAATooLoWreEGmqA++7T20/EN7NcKNNqPS8zaVgKMKAPDIdazlZD/cIR0",
  "nx7IxX5j/XmzPGk+jH7pX2afWlH8VlHUo1MwUTAdBgNVHQ4EFgQUZ/KDSBHbMy4g",
  "5d3nDAZTGvf0no8wHwYDVR0jBBgwFoAUZ/KDSBHbMy4g5d3nDAZTGvf0no8wDwYD",
  "VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiAQ0yZY200qOb9RbE3kjX3K",
  "Uh4zL2ayfNM+HioG0JNCfgIhAK/pj2kVY4DhopHe9Jlky6ekciZrF8PVOwyIh0SB",
  "JbIt",
  "-----END CERTIFICATE-----",
].join("\n");
