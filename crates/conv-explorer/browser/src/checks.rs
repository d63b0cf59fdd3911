//! What the page has to show.

use anyhow::{Result, bail, ensure};
use conv_scene::formula::formula;
use conv_scene::guide::figures as guide_figures;
use conv_scene::operation::{FRAMEWORKS, OWN};
use conv_scene::scene::{Options, Scene, View};
use conv_scene::solve::legal_outputs as legal;
use conv_scene::table::Table;
use conv_scene::translate::translate;
use conv_scene::{Layer, code};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::model::{CONTROLS, Model};

/// Rows and columns of the matrix that the page shows.
const MATRIX: usize = 64;

/// Sets fields by their names, as a hand would.
const SET: &str = r##"
    for (const [id, value] of arguments[0]) {
        const field = document.getElementById(id);
        if (!field) throw new Error("no field " + id);
        field.value = value;
        field.dispatchEvent(new Event("input", { bubbles: true }));
    }"##;

const CLICK: &str = "document.querySelector(arguments[0]).click()";

/// Moves the player and reads everything back.
const READ: &str = r##"
    const [step, native] = arguments;
    const field = document.getElementById("step");
    field.value = step;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    const all = (selector, get) => [...document.querySelectorAll(selector)].map(get);
    const number = (name) => (found) => Number(found.dataset[name]);
    const drawn = document.getElementById("picture").cloneNode(true);
    for (const near of drawn.querySelectorAll(".near")) near.classList.remove("near");
    drawn.querySelector("svg")?.removeAttribute("aria-label");
    const wanted = document.createElement("div");
    wanted.innerHTML = native;
    const fault = document.getElementById("fault");
    return {
        fault: fault.hidden ? "" : fault.textContent,
        input: document.getElementById("input-size").textContent,
        output: document.getElementById("output-size").textContent,
        formulas: all("#sizes .formula", (found) => found.textContent),
        inputs: all("#picture rect.input-lit", number("input")),
        outputs: all("#picture rect.output-lit, #picture rect.phase-lit[data-output]", number("output")),
        sentence: document.getElementById("sentence").textContent,
        same: drawn.innerHTML === wanted.innerHTML,
        entries: all("#matrix .entry", (found) => [Number(found.parentNode.dataset.row), Number(found.dataset.column), Number(found.dataset.weight)]),
        litRows: all("#matrix rect.row.lit", (found) => Number(found.parentNode.dataset.row)),
        title: document.getElementById("matrix-title").textContent,
        note: document.getElementById("matrix-note").textContent,
        code: all("#code article", (found) => [found.dataset.framework, (found.querySelector("pre") ?? found.querySelector(".refused")).textContent]),
    };"##;

fn base(rank: usize, transposed: bool) -> Model {
    Model {
        rank,
        transposed,
        flip: false,
        view: None,
        axes: [[5, 3, 2, 1, 1, 1, 0], [6, 3, 2, 1, 1, 0, 0]],
        channels: [1, 1, 1],
    }
}

/// Every control over its values, in both directions, with one and two axes: sizes, lit cells, pictures, matrix, code.
pub(crate) async fn sweep(browser: &Browser) -> Result<usize> {
    let mut compared = 0;
    for rank in [2, 1] {
        for transposed in [false, true] {
            let start = base(rank, transposed);
            show(browser, &start).await?;
            compared += compare(browser, &start).await?;
            for (control, name) in CONTROLS.iter().enumerate() {
                if *name == "output-padding" && !transposed {
                    continue;
                }
                let values: &[i64] = match *name {
                    "input" => &[0, 1, 2, 7, 12, 70],
                    "kernel" => &[0, 1, 2, 5, 9],
                    "stride" | "dilation" => &[0, 1, 2, 3, 5],
                    "output-padding" => &[0, 1, 2],
                    _ => &[-2, 0, 2, 4],
                };
                for axis in 0..rank {
                    compared += turn(browser, &start, (control, axis), values).await?;
                }
            }
            compared += channels(browser, &start).await?;
        }
    }
    compared += views(browser).await?;
    Ok(compared)
}

/// One control through its values and back.
async fn turn(
    browser: &Browser,
    start: &Model,
    (control, axis): (usize, usize),
    values: &[i64],
) -> Result<usize> {
    let mut compared = 0;
    let id = format!("{}-{axis}-number", CONTROLS[control]);
    for value in values.iter().chain([&start.axes[axis][control]]) {
        let mut model = start.clone();
        model.axes[axis][control] = *value;
        set(browser, &[(id.clone(), *value)]).await?;
        compared += compare(browser, &model).await?;
    }
    Ok(compared)
}

async fn channels(browser: &Browser, start: &Model) -> Result<usize> {
    let mut compared = 0;
    for channels in [
        [1, 2, 3],
        [2, 4, 2],
        [3, 3, 6],
        [2, 3, 2],
        [9, 9, 9],
        [1, 1, 1],
    ] {
        let model = Model {
            channels,
            ..start.clone()
        };
        let names = ["groups", "input-channels", "output-channels"];
        let fields: Vec<_> = names
            .iter()
            .zip(channels)
            .map(|(name, value)| (format!("{name}-number"), value))
            .collect();
        set(browser, &fields).await?;
        compared += compare(browser, &model).await?;
    }
    Ok(compared)
}

/// Each view of a transposed layer, and the flipped kernel.
async fn views(browser: &Browser) -> Result<usize> {
    let start = base(2, true);
    show(browser, &start).await?;
    let choose = r##"
        const select = document.getElementById("view");
        select.value = arguments[0];
        select.dispatchEvent(new Event("change"));"##;
    let mut compared = 0;
    for (word, view) in [
        ("polyphase", View::Polyphase),
        ("scatter", View::Scatter),
        ("stretched", View::Stretched),
    ] {
        browser.run(choose, vec![json!(word)]).await?;
        let model = Model {
            view: Some(view),
            ..start.clone()
        };
        compared += compare(browser, &model).await?;
    }
    browser.run(CLICK, vec![json!("#flip")]).await?;
    let flipped = Model {
        flip: true,
        ..start.clone()
    };
    compared += compare(browser, &flipped).await?;
    browser.run(CLICK, vec![json!("#flip")]).await?;
    Ok(compared)
}

/// Makes a setting with the controls alone.
async fn show(browser: &Browser, model: &Model) -> Result<()> {
    let direction = if model.transposed {
        "transposed"
    } else {
        "direct"
    };
    for (name, value) in [
        ("rank", model.rank.to_string()),
        ("direction", direction.into()),
    ] {
        let radio = format!("input[name={name}][value=\"{value}\"]");
        browser.run(CLICK, vec![json!(radio)]).await?;
    }
    let mut fields = Vec::new();
    for axis in 0..model.rank {
        for (control, name) in CONTROLS.iter().enumerate() {
            if model.transposed || *name != "output-padding" {
                fields.push((format!("{name}-{axis}-number"), model.axes[axis][control]));
            }
        }
    }
    set(browser, &fields).await
}

async fn set(browser: &Browser, fields: &[(String, i64)]) -> Result<()> {
    let fields: Vec<Value> = fields
        .iter()
        .map(|(id, value)| json!([id, value.to_string()]))
        .collect();
    browser.run(SET, vec![json!(fields)]).await?;
    Ok(())
}

/// First, middle and last picture of a setting, or its sentence where it is illegal.
async fn compare(browser: &Browser, model: &Model) -> Result<usize> {
    let layer = match model.layer() {
        Ok(layer) => layer,
        Err(fault) => {
            let shown = read(browser, 0, "").await?;
            same(
                &shown["fault"],
                &json!(fault.to_string()),
                "sentence",
                model,
            )?;
            return Ok(1);
        }
    };
    let scene = model.scene(&layer);
    let frames = scene.as_ref().map_or(1, Scene::frames);
    for step in [0, frames / 2, frames - 1] {
        let svg = scene
            .as_ref()
            .map_or_else(|_| String::new(), |scene| scene.picture(step).svg());
        let shown = read(browser, step, &svg).await?;
        same(&shown["fault"], &json!(""), "sentence", model)?;
        sizes(&shown, &layer, model)?;
        matrix(&shown, &layer, model)?;
        said(&shown, &layer, model)?;
        match &scene {
            Ok(scene) => lit(&shown, scene, step, model)?,
            Err(fault) => same(
                &shown["sentence"],
                &json!(fault.to_string()),
                "refusal",
                model,
            )?,
        }
        same(&shown["same"], &json!(true), "picture", model)?;
    }
    Ok(3)
}

async fn read(browser: &Browser, step: usize, svg: &str) -> Result<Value> {
    browser.run(READ, vec![json!(step), json!(svg)]).await
}

fn same(shown: &Value, wanted: &Value, what: &str, model: &Model) -> Result<()> {
    ensure!(
        shown == wanted,
        "{what} of {model:?}:\n  the page shows {shown}\n  the library says {wanted}"
    );
    Ok(())
}

fn sizes(shown: &Value, layer: &Layer, model: &Model) -> Result<()> {
    let text = |channels: usize, extents: Vec<usize>| {
        let channels = (channels > 1).then_some(channels);
        let all: Vec<String> = channels
            .into_iter()
            .chain(extents)
            .map(|extent| extent.to_string())
            .collect();
        json!(all.join("×"))
    };
    same(
        &shown["input"],
        &text(layer.input_channels, layer.input()),
        "input",
        model,
    )?;
    same(
        &shown["output"],
        &text(layer.output_channels, layer.output()),
        "output",
        model,
    )?;
    let formulas: Vec<String> = layer
        .lines
        .iter()
        .map(|line| formula(layer.direction, line))
        .collect();
    same(&shown["formulas"], &json!(formulas), "formulas", model)
}

fn matrix(shown: &Value, layer: &Layer, model: &Model) -> Result<()> {
    let weave = conv_scene::weave::Weave::new(layer)?;
    let table = Table::new(&weave, MATRIX);
    let entries: Vec<Value> = table
        .rows()
        .iter()
        .flat_map(|row| {
            weave
                .entries(*row)
                .map(move |(column, weight)| (*row, column, weight))
        })
        .filter(|(_, column, _)| table.columns().contains(column))
        .map(|(row, column, weight)| json!([row, column, weight]))
        .collect();
    same(&shown["entries"], &json!(entries), "matrix", model)?;
    let name = if model.transposed { "Cᵀ" } else { "C" };
    let title = format!("{name}, {} × {}", weave.rows(), weave.columns());
    same(&shown["title"], &json!(title), "title of the matrix", model)?;
    let note = shown["note"].as_str().unwrap_or_default();
    let sampled = table.note().is_none_or(|sampled| note.contains(&sampled));
    ensure!(
        sampled && note.contains("sampled") == table.note().is_some(),
        "{model:?}: the matrix does not say whether it is sampled"
    );
    Ok(())
}

fn said(shown: &Value, layer: &Layer, model: &Model) -> Result<()> {
    let mut wanted = vec![json!(["conv-core", code::conv_core(layer)])];
    for framework in FRAMEWORKS {
        let text = match translate(layer, framework) {
            Ok(said) => code::call(layer, &said),
            Err(fault) => fault.to_string(),
        };
        wanted.push(json!([framework.to_string(), text]));
    }
    same(&shown["code"], &json!(wanted), "code", model)
}

/// Lit cells: a row of the matrix, or of the scattering view a column.
fn lit(shown: &Value, scene: &Scene, step: usize, model: &Model) -> Result<()> {
    let weave = scene.weave();
    let scatters = scene.view() == View::Scatter;
    let (mut inputs, mut outputs): (Vec<usize>, Vec<usize>) = match scatters {
        true => (
            vec![step],
            weave.column(step).map(|term| term.input).collect(),
        ),
        false => (weave.row(step).map(|term| term.input).collect(), vec![step]),
    };
    inputs.sort_unstable();
    outputs.sort_unstable();
    let sorted = |value: &Value| {
        let numbers = value.as_array().into_iter().flatten();
        let mut numbers: Vec<u64> = numbers.filter_map(Value::as_u64).collect();
        numbers.sort_unstable();
        json!(numbers)
    };
    same(
        &sorted(&shown["inputs"]),
        &json!(inputs),
        "lit inputs",
        model,
    )?;
    same(
        &sorted(&shown["outputs"]),
        &json!(outputs),
        "lit outputs",
        model,
    )?;
    let rows = Table::new(weave, MATRIX).rows().contains(&step) && !scatters;
    let rows: Vec<usize> = rows.then_some(step).into_iter().collect();
    same(&shown["litRows"], &json!(rows), "lit rows", model)?;
    same(
        &shown["sentence"],
        &json!(scene.sentence(step)),
        "sentence",
        model,
    )
}

/// What is illegal or cannot be read stays on the page, with a sentence.
pub(crate) async fn refused(browser: &Browser) -> Result<()> {
    let start = base(2, false);
    show(browser, &start).await?;
    set(browser, &[("kernel-0-number".into(), 99)]).await?;
    address_with(browser, "kernel=99,3").await?;
    let field = r##"return document.getElementById("kernel-0-number").value"##;
    let text = browser.text(field).await?;
    ensure!(text == "99", "the field shows {text}");
    set(browser, &[("kernel-0-number".into(), 3)]).await?;
    compare(browser, &start).await?;
    for (hash, sentence) in [
        (
            "input=x&kernel=3",
            "--input has the value `x`, expected a whole number of at least 0",
        ),
        ("colour=3", "there is no setting named `colour`"),
    ] {
        browser
            .run("location.hash = arguments[0]", vec![json!(hash)])
            .await?;
        wait_for(
            browser,
            r##"return document.getElementById("fault").textContent"##,
            sentence,
        )
        .await?;
    }
    browser
        .run("location.hash = \"input=5,5&kernel=3,3\"", vec![])
        .await?;
    wait_for(
        browser,
        r##"return document.getElementById("fault").textContent"##,
        "",
    )
    .await
}

/// The part of the address from # on, once it holds this.
async fn address_with(browser: &Browser, part: &str) -> Result<String> {
    let mut hash = String::new();
    for _ in 0..100 {
        hash = browser.text("return location.hash").await?;
        if hash.contains(part) {
            return Ok(hash);
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    bail!("the address has {hash}, expected {part} in it")
}

async fn wait_for(browser: &Browser, script: &str, wanted: &str) -> Result<()> {
    let mut text = String::new();
    for _ in 0..100 {
        text = browser.text(script).await?;
        if text == wanted {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    bail!("the page shows `{text}`, expected `{wanted}`")
}

/// Pointing at an output marks its row of the matrix, pointing at an entry marks output, input and weight.
pub(crate) async fn hover(browser: &Browser) -> Result<()> {
    show(browser, &base(2, false)).await?;
    let point = r##"
        const found = document.querySelector(arguments[0]);
        found.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
        return [...document.querySelectorAll(".near")].map((near) =>
            ["row", "column", "output", "input", "weight"].map((name) => near.dataset[name] ?? "").join()
            + (near.classList.contains("row") ? near.parentNode.dataset.row : ""));"##;
    let of_output = browser
        .run(point, vec![json!("#picture [data-output=\"4\"]")])
        .await?;
    ensure!(
        of_output == json!([",,4,,", ",,,,4"]),
        "hover over an output marks {of_output}"
    );
    // Row 4 of 5×6 with a kernel of 3×3, stride 2 and pads 1: its first input is 1·6 + 1.
    let entry = "#matrix g.row[data-row=\"4\"] > [data-column=\"7\"]";
    let of_entry = browser.run(point, vec![json!(entry)]).await?;
    let wanted = json!([",,,7,", ",,,,0", ",,4,,", ",,,,4", ",7,,,0"]);
    ensure!(
        of_entry == wanted,
        "hover over an entry marks {of_entry}, expected {wanted}"
    );
    browser.run(CLICK, vec![json!("#step")]).await?;
    let click = r##"
        document.querySelector('#matrix g.row[data-row="7"] > .row').dispatchEvent(new MouseEvent("click", { bubbles: true }));
        return document.querySelector("#picture .output-lit").dataset.output"##;
    let shown = browser.text(click).await?;
    ensure!(shown == "7", "a click on row 7 shows output {shown}");
    Ok(())
}

/// An edited weight is in the picture, in the address and in the sum.
pub(crate) async fn weights(browser: &Browser) -> Result<()> {
    let model = base(2, false);
    show(browser, &model).await?;
    let edit = r##"
        const field = document.querySelectorAll("#weights input")[4];
        field.value = "-7.5";
        field.dispatchEvent(new Event("input", { bubbles: true }));"##;
    browser.run(edit, vec![]).await?;
    let layer = model.layer()?;
    let mut weights = model.scene(&layer)?.weights().to_vec();
    weights[4] = -7.5;
    let options = Options {
        weights: Some(weights),
        ..Options::default()
    };
    let scene = Scene::new(&layer, options)?;
    let shown = read(browser, 4, &scene.picture(4).svg()).await?;
    lit(&shown, &scene, 4, &model)?;
    same(
        &shown["same"],
        &json!(true),
        "picture with own weights",
        &model,
    )?;
    address_with(browser, "weights=0,1,2,2,-7.5,0,0,1,2").await?;
    browser
        .run("document.getElementById(\"reset\").click()", vec![])
        .await?;
    Ok(())
}

/// Every legal output is offered, and is the output once it is chosen.
pub(crate) async fn legal_outputs(browser: &Browser) -> Result<()> {
    let mut model = base(2, true);
    model.axes[0][2] = 3;
    show(browser, &model).await?;
    let layer = model.layer()?;
    for axis in 0..2 {
        let wanted = legal(&layer.lines[axis].axis, layer.lines[axis].input)?.legal;
        ensure!(
            wanted.len() > 1,
            "a layer with one legal output shows nothing"
        );
        let place = format!("#sizes [data-axis=\"{axis}\"] .legal button");
        let texts = "return [...document.querySelectorAll(arguments[0])].map((found) => Number(found.textContent))";
        let shown = browser.run(texts, vec![json!(place)]).await?;
        ensure!(
            shown == json!(wanted),
            "legal outputs {shown}, expected {wanted:?}"
        );
        for (index, output) in wanted.iter().enumerate() {
            let press = "document.querySelectorAll(arguments[0])[arguments[1]].click()";
            browser.run(press, vec![json!(place), json!(index)]).await?;
            let text = browser
                .text("return document.getElementById(\"output-size\").textContent")
                .await?;
            let shown = text.split('×').nth(axis).unwrap_or_default();
            ensure!(
                shown == output.to_string(),
                "{text} after {output} was chosen"
            );
        }
    }
    Ok(())
}

/// The guide's fifteen, by the menu.
pub(crate) async fn figures(browser: &Browser) -> Result<()> {
    let choose = r##"
        const menu = document.getElementById("figures");
        menu.selectedIndex = arguments[0];
        menu.dispatchEvent(new Event("change"));"##;
    for (index, figure) in guide_figures().iter().enumerate() {
        browser.run(choose, vec![json!(index + 1)]).await?;
        let layer = Layer::resolve(&OWN, &figure.values)?;
        let scene = Scene::new(&layer, Options::default())?;
        wait_for(
            browser,
            "return document.getElementById(\"sentence\").textContent",
            &scene.sentence(0),
        )
        .await?;
        let shown = read(browser, 1, &scene.picture(1).svg()).await?;
        ensure!(
            shown["same"] == json!(true),
            "{}: another picture",
            figure.name
        );
    }
    Ok(())
}

/// The page's GIF has the size and the frames of the scene, each for as long as the speed says.
pub(crate) async fn animation(browser: &Browser) -> Result<()> {
    let model = base(1, true);
    show(browser, &model).await?;
    let save = r##"
        const done = arguments[arguments.length - 1];
        const create = URL.createObjectURL;
        URL.createObjectURL = (blob) => {
            URL.createObjectURL = create;
            blob.arrayBuffer().then((buffer) => { window.saved = [...new Uint8Array(buffer)]; });
            return "data:,";
        };
        HTMLAnchorElement.prototype.click = function () {};
        document.getElementById("save-gif").click();"##;
    browser.run(save, vec![]).await?;
    wait_for(browser, "return window.saved ? \"saved\" : \"\"", "saved").await?;
    browser
        .run("delete HTMLAnchorElement.prototype.click", vec![])
        .await?;
    let saved = browser.run("return window.saved", vec![]).await?;
    let saved: Vec<u8> = serde_json::from_value(saved)?;
    let scene = model.scene(&model.layer()?)?;
    let mut decoder = gif::DecodeOptions::new().read_info(saved.as_slice())?;
    let size = (f64::from(decoder.width()), f64::from(decoder.height()));
    ensure!(
        size == scene.size(),
        "the GIF is of {size:?}, the scene of {:?}",
        scene.size()
    );
    let mut frames = 0;
    while let Some(frame) = decoder.read_next_frame()? {
        frames += 1;
        ensure!(
            frame.delay == 50,
            "a frame lasts {} hundredths of a second",
            frame.delay
        );
    }
    ensure!(
        frames == scene.frames(),
        "the GIF has {frames} frames, the scene {}",
        scene.frames()
    );
    Ok(())
}

/// An own picture of two colours, with a kernel that takes the mean of neighbours.
pub(crate) async fn picture(browser: &Browser) -> Result<()> {
    let hash = "input=5,5&kernel=1,2&stride=1,1&weights=1,1";
    browser
        .run("location.hash = arguments[0]", vec![json!(hash)])
        .await?;
    let choose = r##"
        const sheet = new OffscreenCanvas(3, 2);
        const context = sheet.getContext("2d");
        context.fillStyle = "rgb(200, 100, 50)";
        context.fillRect(0, 0, 3, 2);
        context.fillStyle = "rgb(100, 0, 250)";
        context.fillRect(1, 0, 1, 2);
        sheet.convertToBlob().then((blob) => {
            const files = new DataTransfer();
            files.items.add(new File([blob], "own.png", { type: "image/png" }));
            const field = document.getElementById("image");
            field.files = files.files;
            field.dispatchEvent(new Event("change"));
        });"##;
    browser.run(choose, vec![]).await?;
    wait_for(
        browser,
        "return document.getElementById(\"image-note\").textContent",
        "2×3 → 2×2 pixels",
    )
    .await?;
    let pixels = r##"
        const canvas = document.querySelectorAll("#canvases canvas")[1];
        return [...canvas.getContext("2d").getImageData(0, 0, 1, 1).data]"##;
    let shown = browser.run(pixels, vec![]).await?;
    ensure!(
        shown == json!([150, 50, 150, 255]),
        "the first output pixel is {shown}"
    );
    Ok(())
}

/// The setting is in the address, and the address alone brings it back.
pub(crate) async fn address(browser: &Browser, address: &str) -> Result<()> {
    let mut model = base(2, true);
    model.axes = [[3, 2, 2, 2, 1, 0, 1], [4, 3, 1, 1, -1, 2, 0]];
    show(browser, &model).await?;
    compare(browser, &model).await?;
    browser
        .run("document.getElementById(\"back\").click()", vec![])
        .await?;
    let hash = address_with(browser, "step=").await?;
    let state = r##"return location.hash + document.getElementById("sentence").textContent"##;
    let before = browser.text(state).await?;
    browser.open(&format!("{address}{hash}")).await?;
    let after = browser.text(state).await?;
    ensure!(before == after, "{before} became {after}");
    compare(browser, &model).await.map(drop)
}

/// With the keyboard alone: to a field, another value, to the player, steps.
pub(crate) async fn keyboard(browser: &Browser, address: &str) -> Result<()> {
    const TAB: &str = "\u{e004}";
    const UP: &str = "\u{e013}";
    const RIGHT: &str = "\u{e014}";
    browser.open(address).await?;
    let focused = "return document.activeElement.id";
    tab_to(browser, "stride-0-number", TAB).await?;
    browser.press(UP).await?;
    let mut model = base(2, false);
    model.axes = [[5, 3, 3, 1, 1, 1, 0], [5, 3, 2, 1, 1, 1, 0]];
    compare(browser, &model).await?;
    ensure!(
        browser.text(focused).await? == "stride-0-number",
        "the focus has gone"
    );
    tab_to(browser, "forward", TAB).await?;
    browser.press(" ").await?;
    let sentence = "return document.getElementById(\"sentence\").textContent";
    let scene = model.scene(&model.layer()?)?;
    // The comparison has left the player at the last picture: the next is the first.
    wait_for(browser, sentence, &scene.sentence(0)).await?;
    tab_to(browser, "step", TAB).await?;
    browser.press(RIGHT).await?;
    wait_for(browser, sentence, &scene.sentence(1)).await
}

async fn tab_to(browser: &Browser, id: &str, tab: &str) -> Result<()> {
    for _ in 0..80 {
        if browser.text("return document.activeElement.id").await? == id {
            let outline = "return getComputedStyle(document.activeElement).outlineStyle";
            ensure!(
                browser.text(outline).await? == "solid",
                "{id}: the focus is not seen"
            );
            return Ok(());
        }
        browser.press(tab).await?;
    }
    bail!("the tab key does not lead to {id}")
}

/// Nothing was wrong that the browser knows of: no refused load, no exception.
pub(crate) async fn no_messages(browser: &Browser) -> Result<()> {
    let messages = browser.messages().await?;
    ensure!(
        messages.is_empty(),
        "the browser says {}",
        messages.join("\n")
    );
    Ok(())
}
