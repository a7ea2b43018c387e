// The page of the training panel: nothing may run or load but what the extension ships. Knows no VS Code.

export interface PageParts {
  readonly nonce: string;
  /** The webview's own origin, as it names it. */
  readonly source: string;
  readonly script: string;
  readonly styles: readonly string[];
}

export function panelPage({ nonce, source, script, styles }: PageParts): string {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${source} 'nonce-${nonce}'`,
    `font-src ${source}`,
    `img-src ${source} data:`,
  ].join("; ");
  const links = styles.map((href) => `<link rel="stylesheet" href="${href}">`).join("\n");
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta property="csp-nonce" content="${nonce}">
<title>Training</title>
${links}
</head>
<body>
<main id="root"></main>
<script nonce="${nonce}" src="${script}"></script>
</body>
</html>`;
}
