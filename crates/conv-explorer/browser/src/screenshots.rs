//! The page at three window sizes, light and dark, for somebody to look at.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::browser::Browser;

const SIZES: [(&str, u32, u32); 3] = [
    ("phone", 390, 844),
    ("tablet", 820, 1180),
    ("desktop", 1440, 900),
];
const SETTINGS: [(&str, &str); 3] = [
    (
        "direct",
        "#input=5,5&kernel=3,3&stride=2,2&dilation=1,1&pad=1:1,1:1&step=4",
    ),
    (
        "transposed",
        "#input=3,4&kernel=3,3&stride=2,2&pad=1:1,1:1&output-padding=1,0&transposed=true&view=polyphase&step=9",
    ),
    ("signal", "#input=9&kernel=3&dilation=2&pad=4:0&step=5"),
];

/// Takes them; no page may be wider than its window.
pub(crate) async fn take(browser: &Browser, address: &str, directory: &Path) -> Result<usize> {
    std::fs::create_dir_all(directory)?;
    let mut taken = 0;
    for (size, width, height) in SIZES {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone" });
        browser
            .command("Emulation.setDeviceMetricsOverride", metrics)
            .await?;
        for scheme in ["light", "dark"] {
            let media = json!({ "features": [
                { "name": "prefers-color-scheme", "value": scheme },
                { "name": "prefers-reduced-motion", "value": "reduce" },
            ] });
            browser.command("Emulation.setEmulatedMedia", media).await?;
            for (name, hash) in SETTINGS {
                browser.open(&format!("{address}{hash}")).await?;
                let wide = browser
                    .run("return document.documentElement.scrollWidth", vec![])
                    .await?;
                ensure!(
                    wide.as_u64().is_some_and(|wide| wide <= width.into()),
                    "{size}, {name}: the page is {wide} wide, its window {width}"
                );
                let shot = browser
                    .command(
                        "Page.captureScreenshot",
                        json!({ "captureBeyondViewport": true, "format": "png" }),
                    )
                    .await?;
                let data = shot["data"].as_str().context("no picture")?;
                std::fs::write(
                    directory.join(format!("{name}-{size}-{scheme}.png")),
                    STANDARD.decode(data)?,
                )?;
                taken += 1;
            }
        }
    }
    Ok(taken)
}
