/** A Korean mobile number as people read it: +82 10-1234-5678. Others stay as they are. */
export function readable(phone: string): string {
  return phone.replace(/^(\+82)(10)(\d{4})(\d{4})$/, '$1 $2-$3-$4');
}
