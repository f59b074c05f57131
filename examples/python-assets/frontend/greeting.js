export function greeting(now) {
  return `Bundled by esbuild, asked at ${now.toLocaleTimeString()}`;
}
