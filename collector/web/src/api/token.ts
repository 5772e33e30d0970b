// The reader's token, for collectors that ask for one. It stays with the tab:
// not in the address, not on disk, and no cookie that another page could ride on.
const key = "gantry.token";

export function token(): string {
  return sessionStorage.getItem(key) ?? "";
}

export function setToken(value: string) {
  if (value === "") sessionStorage.removeItem(key);
  else sessionStorage.setItem(key, value);
}
