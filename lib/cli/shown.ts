/** Keys, tags and messages are written by users: what would move the cursor or colour the terminal is shown as its code. */
export function shown(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (sign) => {
    return `\\u{${(sign.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}}`;
  });
}

/** A text without the password of the connection, in whichever form it is in it. */
export function withoutPassword(text: string, url: string): string {
  let password = '';
  try {
    ({ password } = new URL(url));
  } catch {
    // No URL, so there is no password in it.
  }
  if (password === '') return text;
  return text.replaceAll(password, '***').replaceAll(decodeURIComponent(password), '***');
}
