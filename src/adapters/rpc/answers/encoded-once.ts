/** Encodes each of few objects that stand in many answers once: features and currencies belong to the product and not to a customer. */
export function encodedOnce<K extends object, V>(encode: (key: K) => V): (key: K) => V {
  const known = new WeakMap<K, V>();
  return (key) => {
    let encoded = known.get(key);
    if (encoded === undefined) known.set(key, (encoded = encode(key)));
    return encoded;
  };
}
