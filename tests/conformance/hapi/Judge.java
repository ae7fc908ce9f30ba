import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import ca.uhn.fhir.validation.SingleValidationMessage;
import ca.uhn.fhir.validation.ValidationOptions;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.r4.model.ElementDefinition;
import org.hl7.fhir.r4.model.Resource;
import org.hl7.fhir.r4.model.StructureDefinition;
import org.hl7.fhir.utilities.npm.NpmPackage;
import org.hl7.fhir.utilities.npm.NpmPackage.PackageResourceInformation;

/**
 * Judges FHIR resources with HAPI's validator, knowing the definitions in a FHIR package (the tgz, its one argument).
 *
 * A line of input is a command, a tab, and one resource as JSON: `validate` or `validate URL` (of a profile), or
 * `snapshot` of a StructureDefinition, whose differential HAPI then lays over the base by its own means. The answer is
 * lines of `severity tab location tab text`, for a snapshot `element tab id tab min..max`, and an empty line. `package`
 * answers what HAPI read in the package: `name tab version tab FHIR version`, then `type tab id tab url` of each
 * definition.
 */
public class Judge {
  public static void main(String[] args) throws Exception {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err);
    FhirContext context = FhirContext.forR4();
    PrePopulatedValidationSupport own = new PrePopulatedValidationSupport(context);
    NpmPackage given = NpmPackage.fromPackage(Files.newInputStream(Path.of(args[0])));
    List<String> listed = new ArrayList<>();
    for (PackageResourceInformation one : given.listIndexedResources()) {
      own.addResource(context.newJsonParser().parseResource(given.load(one)));
      listed.add(one.getResourceType() + "\t" + one.getId() + "\t" + one.getUrl());
    }
    SnapshotGeneratingValidationSupport snapshots = new SnapshotGeneratingValidationSupport(context);
    ValidationSupportChain chain = new ValidationSupportChain(
        new DefaultProfileValidationSupport(context), own, new CommonCodeSystemsTerminologyService(context),
        new InMemoryTerminologyServerValidationSupport(context), snapshots);
    FhirInstanceValidator module = new FhirInstanceValidator(chain);
    module.setNoTerminologyChecks(false);
    module.setAnyExtensionsAllowed(true);
    module.setErrorForUnknownProfiles(false);
    module.setAssumeValidRestReferences(true);
    FhirValidator validator = context.newValidator().registerValidatorModule(module);
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    out.println("ready");
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] asked = line.split("\t", 2);
      if (asked[0].equals("package")) {
        out.println(given.name() + "\t" + given.version() + "\t" + given.fhirVersion());
        listed.forEach(out::println);
      } else if (asked[0].equals("snapshot")) {
        StructureDefinition structure = context.newJsonParser().parseResource(StructureDefinition.class, asked[1]);
        structure.setSnapshot(null);
        StructureDefinition made = (StructureDefinition) snapshots.generateSnapshot(
            new ca.uhn.fhir.context.support.ValidationSupportContext(chain), structure, structure.getUrl(), null, structure.getName());
        for (ElementDefinition e : made.getSnapshot().getElement()) {
          out.println("element\t" + e.getId() + "\t" + e.getMin() + ".." + e.getMax());
        }
      } else {
        ValidationOptions options = new ValidationOptions();
        if (asked[0].startsWith("validate ")) {
          options.addProfile(asked[0].substring(9));
        }
        try {
          for (SingleValidationMessage m : validator.validateWithResult(asked[1], options).getMessages()) {
            if (m.getSeverity().ordinal() >= ResultSeverityEnum.WARNING.ordinal()) {
              String text = m.getMessage().replaceAll("\\s+", " ");
              out.println(m.getSeverity().getCode() + "\t" + m.getLocationString() + "\t" + text);
            }
          }
        } catch (RuntimeException | StackOverflowError e) {
          out.println("fatal\t\tthe validator gave up: " + e.toString().replaceAll("\\s+", " "));
        }
      }
      out.println();
    }
  }
}
